"""What is tried again, and how often, before a step counts as failed."""

from sagemaker.mlops.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)

RetryPolicies = list[StepRetryPolicy | SageMakerJobStepRetryPolicy]


def of_service() -> StepRetryPolicy:
    """Throttling and faults of the service: often, soon."""
    return StepRetryPolicy(
        exception_types=[StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING],
        interval_seconds=5,
        backoff_rate=2.0,
        max_attempts=6,
    )


def of_job() -> RetryPolicies:
    """The service's faults, and a job that failed by no fault of its own.

    A resource limit is not tried again: it lasts until somebody raises the quota.
    """
    return [
        of_service(),
        SageMakerJobStepRetryPolicy(
            failure_reason_types=[
                SageMakerJobExceptionTypeEnum.INTERNAL_ERROR,
                SageMakerJobExceptionTypeEnum.CAPACITY_ERROR,
            ],
            interval_seconds=60,
            backoff_rate=2.0,
            max_attempts=3,
        ),
    ]
