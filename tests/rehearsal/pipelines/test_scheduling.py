"""Which step runs when, and how an execution ends."""

from __future__ import annotations

import threading

import pytest

from rehearsal.errors import ApiError

from .definitions import condition, definition, equals, fail, get, join, out_of, parameter
from .definitions import processing as step
from .harness import Harness

_STEP_FAILURE = "Step failure: One or multiple steps failed."


def test_independent_steps_run_at_once(harness: Harness) -> None:
    harness.sagemaker.hold("A", "B", "C")
    arn = harness.start(definition(step("A"), step("B"), step("C")))
    for name in "ABC":
        harness.wait_for_step(arn, name, "Executing")
    assert len(harness.sagemaker.running) == 3
    for name in "ABC":
        harness.sagemaker.release(name)
    assert harness.end(arn) == {"PipelineExecutionStatus": "Succeeded"}


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_no_more_steps_run_at_once_than_the_parallelism_allows(
    harness: Harness, limit: int
) -> None:
    names = [f"S{i}" for i in range(7)]
    harness.sagemaker.hold(*names)
    arn = harness.start(definition(*map(step, names)), most_at_once=limit)
    for name in names:
        harness.wait_for_step(arn, name, "Executing")
        harness.sagemaker.release(name)
    assert harness.end(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert harness.sagemaker.most_at_once == limit


def test_a_step_starts_only_after_those_that_it_waits_for(harness: Harness) -> None:
    body = definition(
        step("D", [out_of("B"), out_of("C")]),
        step("C", after=["A"]),
        step("B", [out_of("A")]),
        step("A"),
    )
    status, _ = harness.run(body)
    assert status == "Succeeded"
    ended = [name for name, status in harness.reports.history if status == "Succeeded"]
    begun = [name for name, status in harness.reports.history if status == "Starting"]
    assert (begun[0], begun[-1]) == ("A", "D")
    assert ended.index("A") == 0
    assert ended.index("D") == 3


def test_each_step_reports_its_life(harness: Harness) -> None:
    body = definition(step("A", DisplayName="The first", Description="It runs."))
    _, steps = harness.run(body)
    statuses = [status for _, status in harness.reports.history]
    assert statuses == ["Starting", "Executing", "Succeeded"]
    found = steps["A"]
    assert found["StepType"] == "Processing"
    assert found["StepDisplayName"] == "The first"
    assert found["StepDescription"] == "It runs."
    assert found["AttemptCount"] == 1
    assert found["StartTime"] < found["EndTime"]


def test_a_failed_job_fails_the_execution_with_the_job_s_own_reason(harness: Harness) -> None:
    harness.sagemaker.plan("A", "AlgorithmError: no images, exit code: 1")
    arn = harness.start(definition(step("A"), step("B", after=["A"])))
    assert harness.end(arn) == {
        "PipelineExecutionStatus": "Failed",
        "FailureReason": _STEP_FAILURE,
    }
    steps = harness.steps(arn)
    assert list(steps) == ["A"]
    assert steps["A"]["StepStatus"] == "Failed"
    assert steps["A"]["FailureReason"] == "ClientError: AlgorithmError: no images, exit code: 1"


def test_a_failure_starts_nothing_more_and_waits_for_what_runs(harness: Harness) -> None:
    harness.sagemaker.plan("A", "AlgorithmError: x")
    harness.sagemaker.hold("A", "B")
    arn = harness.start(definition(step("A"), step("B"), step("C", after=["B"])))
    harness.wait_for_step(arn, "A", "Executing")
    harness.wait_for_step(arn, "B", "Executing")
    harness.sagemaker.release("A")
    harness.wait_for_step(arn, "A", "Failed")
    assert arn not in harness.reports.executions
    harness.sagemaker.release("B")
    assert harness.end(arn)["PipelineExecutionStatus"] == "Failed"
    assert harness.steps(arn)["B"]["StepStatus"] == "Succeeded"
    assert "C" not in harness.steps(arn)


def test_a_job_that_the_api_refuses_fails_its_step_with_the_api_s_reason(
    harness: Harness,
) -> None:
    refusal = ApiError("ValidationException", "No such image.")
    harness.sagemaker.refuse("CreateProcessingJob", refusal)
    status, steps = harness.run(definition(step("A")))
    assert status == "Failed"
    assert steps["A"]["FailureReason"] == (
        "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: No such image."
    )


def test_a_job_stopped_by_somebody_else_stops_its_step_and_fails_the_execution(
    harness: Harness,
) -> None:
    harness.sagemaker.hold("A")
    arn = harness.start(definition(step("A"), step("B", after=["A"])))
    harness.wait_for_step(arn, "A", "Executing")
    (job,) = harness.sagemaker.running
    harness.sagemaker("StopProcessingJob", {"ProcessingJobName": job})
    assert harness.end(arn)["PipelineExecutionStatus"] == "Failed"
    assert harness.steps(arn)["A"]["StepStatus"] == "Stopped"


_BRANCHES = definition(
    condition(
        "Check",
        equals(get("Parameters.Good"), True),
        then=[
            step("Then"),
            condition(
                "Inner", equals(1, 2), then=[step("InnerThen")], otherwise=[step("InnerElse")]
            ),
        ],
        otherwise=[step("Else")],
    ),
    step("AfterThen", after=["Then"]),
    step("AfterElse", after=["Else"]),
    step("AfterAfterElse", after=["AfterElse"]),
    step("AfterCheck", [join(get("Steps.Check.Outcome"))]),
    parameters=[parameter("Good", "Boolean")],
)


def test_a_condition_that_holds_runs_its_if_steps_and_what_waits_for_them(
    harness: Harness,
) -> None:
    status, steps = harness.run(_BRANCHES, Good="true")
    assert status == "Succeeded"
    assert set(steps) == {"Check", "Then", "Inner", "InnerElse", "AfterThen", "AfterCheck"}


def test_a_condition_that_does_not_hold_runs_its_else_steps_and_what_waits_for_them(
    harness: Harness,
) -> None:
    status, steps = harness.run(_BRANCHES, Good="false")
    assert status == "Succeeded"
    assert set(steps) == {"Check", "Else", "AfterElse", "AfterAfterElse", "AfterCheck"}
    (request,) = [
        r
        for r in harness.sagemaker.requests_of("CreateProcessingJob")
        if "AfterCheck" in r["ProcessingJobName"]
    ]
    assert request["AppSpecification"]["ContainerArguments"] == ["false"]


def test_a_condition_between_different_kinds_fails_its_step(harness: Harness) -> None:
    status, steps = harness.run(definition(condition("C", equals("1", 1), then=[step("A")])))
    assert status == "Failed"
    assert "can't compare '1', a text, with 1, a number" in steps["C"]["FailureReason"]
    assert "A" not in steps


def test_a_fail_step_without_a_message_gives_no_reason(harness: Harness) -> None:
    status, steps = harness.run(definition(fail("F", "")))
    assert status == "Failed"
    assert "FailureReason" not in steps["F"]
    assert steps["F"]["Metadata"] == {"Fail": {"ErrorMessage": ""}}


def test_stop_ends_the_running_jobs_and_starts_nothing_more(harness: Harness) -> None:
    harness.sagemaker.hold("A", "B")
    arn = harness.start(definition(step("A"), step("B"), step("C", after=["A"])))
    harness.wait_for_step(arn, "A", "Executing")
    harness.wait_for_step(arn, "B", "Executing")
    harness.engine.stop(arn)
    assert harness.end(arn) == {"PipelineExecutionStatus": "Stopped"}
    assert {n: s["StepStatus"] for n, s in harness.steps(arn).items()} == {
        "A": "Stopped",
        "B": "Stopped",
    }
    assert ("A", "Stopping") in harness.reports.history
    assert len(harness.sagemaker.requests_of("StopProcessingJob")) == 2
    assert not harness.sagemaker.running


def test_stop_of_an_unknown_execution_is_no_error(harness: Harness) -> None:
    harness.engine.stop("arn:aws:sagemaker:us-east-1:000000000000:pipeline/a/execution/b")


def test_close_ends_all_threads_without_a_report(harness: Harness) -> None:
    harness.sagemaker.hold("A")
    arn = harness.start(definition(step("A")))
    harness.wait_for_step(arn, "A", "Executing")
    harness.engine.close()
    assert arn not in harness.reports.executions
    assert arn not in {thread.name for thread in threading.enumerate()}


def test_two_executions_run_beside_each_other(harness: Harness) -> None:
    harness.sagemaker.hold("A")
    first = harness.start(definition(step("A")))
    harness.wait_for_step(first, "A", "Executing")
    second = harness.start(definition(step("B")))
    assert harness.end(second)["PipelineExecutionStatus"] == "Succeeded"
    assert first not in harness.reports.executions
    harness.sagemaker.release("A")
    assert harness.end(first)["PipelineExecutionStatus"] == "Succeeded"


def test_execution_variables_have_the_execution_s_own_values(harness: Harness) -> None:
    names = ("PipelineName", "PipelineExecutionId", "StartDateTime")
    body = definition(step("A", [get(f"Execution.{name}") for name in names]))
    arn = harness.start(body)
    harness.end(arn)
    (request,) = harness.sagemaker.requests_of("CreateProcessingJob")
    name, execution_id, started = request["AppSpecification"]["ContainerArguments"]
    assert (name, execution_id) == ("tried", arn.rpartition("/")[2])
    assert started.startswith("2026-01-01T00:00:")


def test_a_long_step_name_is_cut_so_that_the_job_s_name_fits(harness: Harness) -> None:
    status, steps = harness.run(definition(step("Very_" * 12)))
    assert status == "Succeeded"
    (found,) = steps.values()
    name = found["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    assert len(name) <= 63
    assert name.startswith("pipelines-exec00000001-Very-Very-")
