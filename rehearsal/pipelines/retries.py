"""When a failed attempt at a step is tried again.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html
"""

from collections.abc import Sequence

from rehearsal.errors import ApiError
from rehearsal.pipelines.definition import MOST_ATTEMPTS, ExceptionType, RetryPolicy

_THROTTLING_CODES = {"ThrottlingException", "Throttling", "TooManyRequestsException"}

# AWS retries faults and throttling of its own accord, without saying how often.
_OF_ITS_OWN_ACCORD = RetryPolicy(
    exception_type=("Step.SERVICE_FAULT", "Step.THROTTLING"),
    interval_seconds=1,
    backoff_rate=2.0,
    max_attempts=3,
)

# How the FailureReason of a job begins when SageMaker, not the container, failed.
_REASONS: dict[str, ExceptionType] = {
    "InternalServerError": "SageMaker.JOB_INTERNAL_ERROR",
    "CapacityError": "SageMaker.CAPACITY_ERROR",
    "ResourceLimitExceeded": "SageMaker.RESOURCE_LIMIT",
}


def of_error(error: ApiError) -> ExceptionType | None:
    """The exception type of an operation's error; None when a retry can't help."""
    if error.code == "ResourceLimitExceeded":
        return "SageMaker.RESOURCE_LIMIT"
    if error.code in _THROTTLING_CODES:
        return "Step.THROTTLING"
    return "Step.SERVICE_FAULT" if error.status >= 500 else None


def of_failure_reason(reason: str) -> ExceptionType | None:
    """The exception type of a job's FailureReason; None when a retry can't help."""
    return next((kind for start, kind in _REASONS.items() if reason.startswith(start)), None)


def delay(
    policies: Sequence[RetryPolicy],
    exception_type: ExceptionType | None,
    retries: int,
    seconds_since_first_start: float,
) -> float | None:
    """Seconds to wait before the next attempt, None when there is none.

    retries: how many there have been. MaxAttempts counts retries, not the first attempt.
    """
    every = (*policies, _OF_ITS_OWN_ACCORD)
    policy = next((each for each in every if exception_type in each.exception_type), None)
    if policy is None:
        return None
    most = policy.max_attempts
    if most is None and policy.expire_after_min is None:
        most = MOST_ATTEMPTS
    if most is not None and retries >= most:
        return None
    wait = policy.interval_seconds * policy.backoff_rate**retries
    ends = policy.expire_after_min
    return None if ends is not None and seconds_since_first_start + wait > ends * 60 else wait
