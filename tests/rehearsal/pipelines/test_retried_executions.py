"""An execution that is retried goes on from what failed or was stopped."""

from __future__ import annotations

from .definitions import condition, definition, equals, fail, out_of, parameter
from .definitions import get as reference
from .definitions import processing as step
from .harness import Harness


def test_only_what_failed_and_what_waited_for_it_is_run(harness: Harness) -> None:
    harness.sagemaker.plan("B", "AlgorithmError: x")
    body = definition(step("A"), step("B", [out_of("A")]), step("C", [out_of("A"), out_of("B")]))
    arn = harness.start(body)
    assert harness.end(arn)["PipelineExecutionStatus"] == "Failed"
    first = harness.steps(arn)["A"]

    status, steps = harness.retry(arn, body)

    assert status == "Succeeded"
    assert harness.sagemaker.created() == ["A", "B", "B", "C"]
    assert steps["A"] == first
    assert "FailureReason" not in steps["B"]
    arguments = [
        request["AppSpecification"]["ContainerArguments"]
        for request in harness.sagemaker.requests_of("CreateProcessingJob")[2:]
    ]
    assert arguments == [["s3://bucket/A"], ["s3://bucket/A", "s3://bucket/B"]]


def test_a_stopped_step_is_run_again(harness: Harness) -> None:
    harness.sagemaker.hold("A")
    body = definition(step("A"))
    arn = harness.start(body)
    harness.wait_for_step(arn, "A", "Executing")
    harness.engine.stop(arn)
    assert harness.end(arn)["PipelineExecutionStatus"] == "Stopped"
    harness.sagemaker.release("A")

    status, _ = harness.retry(arn, body)

    assert status == "Succeeded"
    assert harness.sagemaker.created() == ["A", "A"]


def test_a_condition_that_was_decided_keeps_its_outcome(harness: Harness) -> None:
    harness.sagemaker.plan("Yes", "AlgorithmError: x")
    body = definition(
        condition(
            "Choose",
            equals(reference("Parameters.Answer"), "yes"),
            then=[step("Yes")],
            otherwise=[fail("No")],
        ),
        parameters=[parameter("Answer")],
    )
    arn = harness.start(body, Answer="yes")
    assert harness.end(arn)["PipelineExecutionStatus"] == "Failed"

    status, steps = harness.retry(arn, body, Answer="yes")

    assert status == "Succeeded"
    assert list(steps) == ["Choose", "Yes"]
    decided = [name for name, _ in harness.reports.history].count("Choose")
    assert decided == 3  # Starting, Executing, Succeeded: once


def test_a_fail_step_fails_again(harness: Harness) -> None:
    body = definition(fail("No", "never"))
    arn = harness.start(body)
    harness.end(arn)

    status, steps = harness.retry(arn, body)

    assert (status, steps["No"]["FailureReason"]) == ("Failed", "never")


def test_a_retry_can_be_stopped_while_it_runs(harness: Harness) -> None:
    harness.sagemaker.plan("A", "AlgorithmError: x")
    body = definition(step("A"))
    arn = harness.start(body)
    harness.end(arn)
    harness.sagemaker.hold("A")
    harness.start_retry(arn, body)
    harness.wait_for_step(arn, "A", "Executing")

    harness.engine.stop(arn)

    assert harness.end(arn)["PipelineExecutionStatus"] == "Stopped"
