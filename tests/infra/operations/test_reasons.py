"""A step's failure in words."""

from datetime import UTC, datetime

import pytest

from infra.operations.reports.functions.reporter.reasons import reason
from infra.operations.reports.functions.reporter.records import Job, Step

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def failed(given):
    return Step("ShardImages", "Failed", NOW, NOW, given, 1, "job")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "ClientError: AlgorithmError: no shards: run ShardImages again., exit code: 1",
            "the container failed: no shards: run ShardImages again (exit code 1)",
        ),
        (
            "ClientError: InternalServerError: We encountered an internal error.",
            "SageMaker failed: We encountered an internal error",
        ),
        (
            "CapacityError: Unable to provision requested ML compute capacity.",
            "AWS had no such instances to spare: Unable to provision requested ML compute capacity",
        ),
        (
            "ClientError: ResourceLimitExceeded: The limit is 0.\nRetry not appropriate on "
            "execution of step with PipelineExecutionArn arn and StepId ShardImages.",
            "a quota of the account is used up: The limit is 0",
        ),
        (
            "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: no role.",
            "Failed to invoke sagemaker:CreateProcessingJob. Error Details: no role",
        ),
        ("", "no reason was given"),
    ],
)
def test_sagemakers_reason_is_said_in_words(given, said):
    assert reason(failed(given)) == said


def test_a_processing_jobs_own_last_words_are_its_reason():
    given = "ClientError: AlgorithmError: See job logs for more information, exit code: 1"
    words = "Class 7 has 2 images and 3 channels: drop more of them.\n"
    job = Job("Processing", "job", "ShardImages", "Failed", NOW, "ml.m5.large", 1, 1.0, words)

    assert reason(failed(given), job) == (
        "the container failed: Class 7 has 2 images and 3 channels: drop more of them (exit code 1)"
    )
    assert reason(failed(given)) == "the container failed (exit code 1)"
