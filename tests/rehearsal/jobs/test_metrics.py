"""Values in a training job's lines."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rehearsal import aws
from rehearsal.jobs.backend import ProcessBackend
from rehearsal.jobs.metrics import Metrics
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.images.support import ROLE
from tests.rehearsal.jobs.support import run, training

Image = Callable[[str], str]


def metrics_of(settings: RehearsalSettings, pattern: str, *lines: str) -> list[float]:
    role = aws.Role(settings, ROLE, "metrics")
    found = Metrics([{"Name": "x", "Regex": pattern}], role, "job")
    values = []
    for line in lines:
        found.read(line)
        values += [each["Value"] for each in found.final()]
    return list(dict.fromkeys(values))


@pytest.mark.parametrize(
    ("pattern", "lines", "values"),
    [
        (r"loss=(\d+)|accuracy=(\d+)", ("accuracy=3", "loss=4"), [4.0]),
        (r"loss=(\S+)", ("loss=nan", "loss=-inf", "loss=", "loss=none", "loss=1e-3"), [0.001]),
        (r"loss=\d+", ("loss=1",), []),
        (r"^loss=([0-9.]+)(?: |$)", ("loss=1", "a loss=2", "loss=3 b"), [1.0, 3.0]),
    ],
)
def test_a_value_is_what_the_first_group_has_if_it_is_a_number(
    settings: RehearsalSettings, pattern: str, lines: tuple[str, ...], values: list[float]
) -> None:
    assert metrics_of(settings, pattern, *lines) == values


def test_an_expression_that_takes_for_ever_is_given_up(settings: RehearsalSettings) -> None:
    assert metrics_of(settings, r"(a*)*[bc]=(\d+)", "a" * 3_000, "ac=1") == []


def test_a_job_whose_line_no_first_group_takes_part_in_ends(
    backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = "print('accuracy=3'); print('loss=4')"
    wanted = training("alternatives", image(program), bucket)
    wanted["AlgorithmSpecification"]["MetricDefinitions"] = [
        {"Name": "loss", "Regex": r"accuracy=(?:\d+)|loss=(\d+)"}
    ]

    ended = run(backend, wanted)

    assert ended["TrainingJobStatus"] == "Completed"
    assert [each["Value"] for each in ended["FinalMetricDataList"]] == [4.0]


def test_a_job_whose_expression_is_none_fails_with_one_sentence(
    backend: ProcessBackend, image: Image, bucket: str
) -> None:
    wanted = training("broken", image("print(1)"), bucket)
    wanted["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "loss", "Regex": "loss=("}]

    ended = run(backend, wanted)

    assert ended["FailureReason"].startswith(
        "ClientError: the Regex of the metric loss is no regular expression"
    )


def test_whatever_a_line_does_to_its_reader_the_job_ends(
    backend: ProcessBackend, image: Image, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no line can be taken")

    monkeypatch.setattr("rehearsal.jobs.metrics.Metrics.read", broken)

    ended = run(backend, training("unread", image("print('x\\n' * 1_000)"), bucket))

    assert ended["TrainingJobStatus"] == "Completed"
