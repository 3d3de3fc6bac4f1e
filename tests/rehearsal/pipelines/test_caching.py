"""An earlier success of the same step is reused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .definitions import definition, get, out_of, parameter, processing
from .harness import Harness

_CACHE = {"Enabled": True, "ExpireAfter": "PT1H"}


def _body(cache: dict[str, Any] | None = None) -> str:
    config = {"CacheConfig": _CACHE if cache is None else cache}
    return definition(
        processing("A", [get("Parameters.P")], **config),
        processing("B", [out_of("A")]),
        parameters=[parameter("P", DefaultValue="x")],
    )


def test_the_same_step_is_reused_with_its_metadata_and_its_properties(harness: Harness) -> None:
    first = harness.start(_body())
    harness.end(first)
    status, steps = harness.run(_body())

    assert status == "Succeeded"
    assert harness.sagemaker.created() == ["A", "B", "B"]
    assert steps["A"]["CacheHitResult"] == {"SourcePipelineExecutionArn": first}
    assert steps["A"]["Metadata"] == harness.steps(first)["A"]["Metadata"]
    assert "CacheHitResult" not in harness.steps(first)["A"]
    latest = harness.sagemaker.requests_of("CreateProcessingJob")[-1]
    assert latest["AppSpecification"]["ContainerArguments"] == ["s3://bucket/A"]


def test_other_arguments_run_again(harness: Harness) -> None:
    harness.run(_body())
    _, steps = harness.run(_body(), P="y")
    assert "CacheHitResult" not in steps["A"]
    assert harness.sagemaker.created().count("A") == 2


def test_other_outputs_do_not_run_again_as_aws_does_not_compare_them(harness: Harness) -> None:
    harness.run(_body())
    _, steps = harness.run(_body().replace("s3://bucket/A", "s3://bucket/elsewhere"))
    assert "CacheHitResult" in steps["A"]


def test_an_earlier_success_expires(harness: Harness) -> None:
    harness.run(_body())
    harness.clock.advance(3601)
    _, steps = harness.run(_body())
    assert "CacheHitResult" not in steps["A"]


@pytest.mark.parametrize("duration", ["PT2H", "T120m", "pt7200s", "1d"])
def test_a_duration_may_be_written_in_each_of_aws_s_ways(harness: Harness, duration: str) -> None:
    cache = {"Enabled": True, "ExpireAfter": duration}
    harness.run(_body(cache))
    harness.clock.advance(3601)
    _, steps = harness.run(_body(cache))
    assert "CacheHitResult" in steps["A"]


def test_the_most_recent_of_several_successes_is_reused(harness: Harness) -> None:
    harness.run(_body())
    harness.clock.advance(3601)
    second = harness.start(_body())
    harness.end(second)
    _, steps = harness.run(_body({"Enabled": True, "ExpireAfter": "P1D"}))
    assert steps["A"]["CacheHitResult"] == {"SourcePipelineExecutionArn": second}


def test_a_failure_is_never_reused(harness: Harness) -> None:
    harness.sagemaker.plan("A", "AlgorithmError: x")
    harness.run(_body())
    status, steps = harness.run(_body())
    assert status == "Succeeded"
    assert "CacheHitResult" not in steps["A"]


def test_nothing_is_reused_where_caching_is_off(harness: Harness) -> None:
    harness.run(_body({"Enabled": False}))
    _, steps = harness.run(_body({"Enabled": False}))
    assert "CacheHitResult" not in steps["A"]


def test_an_engine_started_later_on_the_same_state_reuses_too(tmp_path: Path) -> None:
    first = Harness(tmp_path)
    arn = first.start(_body())
    first.end(arn)
    first.engine.close()
    second = Harness(tmp_path, first.sagemaker)
    _, steps = second.run(_body())
    second.engine.close()
    assert steps["A"]["CacheHitResult"] == {"SourcePipelineExecutionArn": arn}


def test_a_success_whose_job_is_gone_runs_again(tmp_path: Path) -> None:
    first = Harness(tmp_path)
    first.run(_body())
    first.engine.close()
    second = Harness(tmp_path)
    status, steps = second.run(_body())
    second.engine.close()
    assert status == "Succeeded"
    assert "CacheHitResult" not in steps["A"]
