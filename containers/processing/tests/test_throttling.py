"""S3 that refuses, resets and breaks off a tenth of all calls."""

import pytest
from tests.throttling_proxy import FAULTS, throttled

from tests.conftest import Bench


def images(count, salt):
    return {
        f"{label}/{number}.jpg": f"{salt}{label}{number}".encode() * 100
        for label in ("cat", "dog")
        for number in range(count)
    }


@pytest.fixture
def filled(bench):
    bench.drop("d1", images(60, "a"), index=True)
    bench.publish(bench.run("e1", "d1"))
    bench.drop("d2", images(90, "b"))
    bench.drop("d3", images(30, "c"), index=True)
    return bench


def test_a_tenth_of_calls_that_fail_changes_nothing(filled, s3_endpoint, tmp_path, monkeypatch):
    expected = filled.run("e2", "d3")
    troubled = Bench.again(filled, tmp_path / "troubled")
    with throttled(s3_endpoint, 0.1, seed=1) as (url, log):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        outcome = troubled.run("e2", "d3")
    assert outcome.code == 0
    assert all(log.faults[fault] for fault in FAULTS)
    assert outcome.rows == expected.rows
    assert outcome.dataset == expected.dataset


def test_s3_that_never_answers_well_ends_in_a_sentence(filled, s3_endpoint, monkeypatch, capsys):
    monkeypatch.setattr("processing.common.aws.ATTEMPTS", 2)
    with throttled(s3_endpoint, 1, seed=1) as (url, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        outcome = filled.run("e2", "d3")
    assert outcome.code == 1
    assert outcome.message.startswith(("S3 could not be reached", "S3 refused ListObjectVersions"))
    assert "Traceback" not in capsys.readouterr().out
