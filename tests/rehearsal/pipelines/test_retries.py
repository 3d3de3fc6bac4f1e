"""A failed attempt is tried again as its policies say."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.errors import ApiError
from rehearsal.pipelines.definition import ExceptionType, RetryPolicy
from rehearsal.pipelines.retries import delay

from .definitions import definition, processing
from .harness import Harness

_THROTTLED = ApiError("ThrottlingException", "Rate exceeded.")
_LIMIT = ApiError("ResourceLimitExceeded", "Too many.")
_FAULT = ApiError("InternalFailure", "Oops.", 500)


def _policy(*types: str, **more: Any) -> dict[str, Any]:
    return {"ExceptionType": list(types), "IntervalSeconds": 1, "BackoffRate": 1.0, **more}


def _run(harness: Harness, *policies: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    body = definition(processing("A", RetryPolicies=list(policies)))
    status, steps = harness.run(body)
    return status, steps["A"]


def test_an_internal_error_of_a_job_is_tried_again_until_it_succeeds(harness: Harness) -> None:
    harness.sagemaker.plan("A", *["InternalServerError: try again"] * 2)
    status, step = _run(harness, _policy("SageMaker.JOB_INTERNAL_ERROR", MaxAttempts=5))
    assert (status, step["AttemptCount"]) == ("Succeeded", 3)
    requests = harness.sagemaker.requests_of("CreateProcessingJob")
    assert len({request["ProcessingJobName"] for request in requests}) == 3


def test_after_max_attempts_retries_the_step_fails(harness: Harness) -> None:
    harness.sagemaker.plan("A", *["InternalServerError: try again"] * 9)
    status, step = _run(harness, _policy("SageMaker.JOB_INTERNAL_ERROR", MaxAttempts=2))
    assert (status, step["AttemptCount"]) == ("Failed", 3)
    assert step["FailureReason"] == "ClientError: InternalServerError: try again"


def test_after_expire_after_min_the_step_fails(harness: Harness) -> None:
    harness.sagemaker.plan("A", *["CapacityError: none left"] * 99)
    status, step = _run(harness, _policy("SageMaker.CAPACITY_ERROR", ExpireAfterMin=1))
    assert status == "Failed"
    assert (step["EndTime"] - step["StartTime"]).total_seconds() <= 70
    assert 2 < step["AttemptCount"] < 60


def test_a_failure_that_no_policy_names_is_not_tried_again(harness: Harness) -> None:
    harness.sagemaker.plan("A", "AlgorithmError: a bug")
    status, step = _run(harness, _policy("SageMaker.JOB_INTERNAL_ERROR", MaxAttempts=5))
    assert (status, step["AttemptCount"]) == ("Failed", 1)


def test_a_resource_limit_without_a_policy_fails_as_aws_says_it(harness: Harness) -> None:
    harness.sagemaker.refuse("CreateProcessingJob", _LIMIT)
    status, step = _run(harness)
    assert (status, step["AttemptCount"]) == ("Failed", 1)
    assert step["FailureReason"].endswith(
        "and StepId A. No retry policy configured for the exception type SAGEMAKER_RESOURCE_LIMIT."
    )


def test_a_resource_limit_with_a_policy_is_tried_again(harness: Harness) -> None:
    harness.sagemaker.refuse("CreateProcessingJob", _LIMIT)
    status, step = _run(harness, _policy("SageMaker.RESOURCE_LIMIT", MaxAttempts=1))
    assert (status, step["AttemptCount"]) == ("Succeeded", 2)


@pytest.mark.parametrize("error", [_THROTTLED, _FAULT])
def test_throttling_and_faults_are_tried_again_without_a_policy(
    harness: Harness, error: ApiError
) -> None:
    harness.sagemaker.refuse("CreateProcessingJob", error)
    status, step = _run(harness)
    assert (status, step["AttemptCount"]) == ("Succeeded", 2)


def test_throttling_while_a_job_is_watched_does_not_fail_its_step(harness: Harness) -> None:
    harness.sagemaker.refuse("DescribeProcessingJob", _THROTTLED, _FAULT)
    status, step = _run(harness)
    assert (status, step["AttemptCount"]) == ("Succeeded", 1)


def test_a_stop_ends_a_step_that_waits_for_its_next_attempt(harness: Harness) -> None:
    harness.sagemaker.plan("A", "InternalServerError: try again")
    policy = _policy("SageMaker.JOB_INTERNAL_ERROR", MaxAttempts=1)
    body = definition(processing("A", RetryPolicies=[{**policy, "IntervalSeconds": 10**9}]))
    arn = harness.start(body)
    harness.wait_for_step(arn, "A", "Executing")
    harness.engine.stop(arn)
    assert harness.end(arn)["PipelineExecutionStatus"] == "Stopped"
    assert harness.steps(arn)["A"]["StepStatus"] == "Stopped"


def test_the_wait_grows_by_the_backoff_rate() -> None:
    policy = RetryPolicy(
        exception_type=("SageMaker.RESOURCE_LIMIT",),
        interval_seconds=3,
        backoff_rate=2.0,
        max_attempts=4,
    )
    waits = [delay([policy], "SageMaker.RESOURCE_LIMIT", retries, 0) for retries in range(5)]
    assert waits == [3, 6, 12, 24, None]


def test_a_policy_of_the_step_overrides_what_is_tried_of_its_own_accord() -> None:
    policy = RetryPolicy(exception_type=("Step.THROTTLING",), interval_seconds=60, max_attempts=1)
    assert delay([policy], "Step.THROTTLING", 0, 0) == 60
    assert delay([policy], "Step.THROTTLING", 1, 60) is None


def test_a_policy_without_an_end_has_five_retries_and_one_with_none_has_none() -> None:
    kind: ExceptionType = "SageMaker.JOB_INTERNAL_ERROR"
    endless = RetryPolicy(exception_type=(kind,))
    assert delay([endless], kind, 4, 1e9) is not None
    assert delay([endless], kind, 5, 0.0) is None
    never = RetryPolicy(exception_type=(kind,), max_attempts=0)
    assert delay([never], kind, 0, 0.0) is None


def test_a_policy_has_one_end_and_no_more_than_twenty_attempts() -> None:
    with pytest.raises(ValueError, match="not both"):
        RetryPolicy(exception_type=("Step.THROTTLING",), max_attempts=1, expire_after_min=1)
    with pytest.raises(ValueError, match="less than or equal to 20"):
        RetryPolicy(exception_type=("Step.THROTTLING",), max_attempts=21)
