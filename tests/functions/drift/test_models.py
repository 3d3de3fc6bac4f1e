import boto3
import pytest
from botocore.stub import Stubber

from functions.drift.models import served_package

PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/shardwise-prod-0a1b2c3d/3"


def served(status, package=PACKAGE):
    client = boto3.client(
        "cloudformation", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    stack = {
        "StackName": "serving",
        "StackStatus": status,
        "CreationTime": "2026-11-23T00:00:00Z",
        "Parameters": [{"ParameterKey": "ModelPackageArn", "ParameterValue": package}],
    }
    with Stubber(client) as stub:
        stub.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": "serving"})
        return served_package(client, "serving", "ModelPackageArn")


@pytest.mark.parametrize(
    "status",
    [
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    ],
)
def test_the_package_of_a_stack_at_rest_is_served(status):
    assert served(status) == PACKAGE


@pytest.mark.parametrize(
    "status",
    [
        "CREATE_IN_PROGRESS",
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_FAILED",
        "DELETE_IN_PROGRESS",
    ],
)
def test_a_stack_that_changes_or_hangs_says_nothing_of_what_is_served(status):
    assert served(status) is None


def test_a_stack_without_a_package_serves_none():
    assert served("UPDATE_COMPLETE", "") is None
