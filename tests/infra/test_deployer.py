import re

import boto3
import pytest
from botocore.stub import Stubber

from infra.serving.deployer.handler import change_set_name, propose, update

PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/shardwise-prod-0a1b2c3d/3"
STACK = {"name": "serving", "parameter": "ModelPackageArn"}
PARAMETERS = [
    {"ParameterKey": "ModelPackageArn", "ParameterValue": PACKAGE},
    {"ParameterKey": "Other", "UsePreviousValue": True},
]
UPDATE = {
    "StackName": "serving",
    "UsePreviousTemplate": True,
    "Parameters": PARAMETERS,
    "Capabilities": ["CAPABILITY_IAM"],
}
CHANGE_SET = {
    **UPDATE,
    "ChangeSetName": change_set_name(PACKAGE),
    "ChangeSetType": "UPDATE",
    "Description": f"Serve {PACKAGE}",
}


@pytest.fixture
def client():
    return boto3.client(
        "cloudformation", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


@pytest.fixture
def stub(client):
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def serves(stub, package):
    stub.add_response(
        "describe_stacks",
        {
            "Stacks": [
                {
                    "StackName": "serving",
                    "StackStatus": "UPDATE_COMPLETE",
                    "CreationTime": "2026-11-23T00:00:00Z",
                    "Parameters": [
                        {"ParameterKey": "ModelPackageArn", "ParameterValue": package},
                        {"ParameterKey": "Other", "ParameterValue": "kept"},
                    ],
                }
            ]
        },
        {"StackName": "serving"},
    )


def test_an_approval_updates_the_one_parameter(client, stub):
    serves(stub, "")
    stub.add_response("update_stack", {"StackId": "id"}, UPDATE)
    update(client, STACK, PACKAGE)


@pytest.mark.parametrize("act", [update, propose])
def test_a_package_that_is_served_already_changes_nothing(client, stub, act):
    serves(stub, PACKAGE)
    act(client, STACK, PACKAGE)


def test_an_update_that_changes_nothing_is_no_error(client, stub):
    serves(stub, "")
    stub.add_client_error(
        "update_stack", "ValidationError", "No updates are to be performed.", expected_params=UPDATE
    )
    update(client, STACK, PACKAGE)


def test_an_update_in_progress_is_an_error_so_that_the_event_is_tried_again(client, stub):
    serves(stub, "")
    stub.add_client_error(
        "update_stack",
        "ValidationError",
        "Stack is in UPDATE_IN_PROGRESS state",
        expected_params=UPDATE,
    )
    with pytest.raises(client.exceptions.ClientError, match="UPDATE_IN_PROGRESS"):
        update(client, STACK, PACKAGE)


def test_where_a_person_decides_an_approval_only_makes_a_change_set(client, stub):
    serves(stub, "")
    stub.add_response("create_change_set", {"Id": "id"}, CHANGE_SET)
    propose(client, STACK, PACKAGE)


def test_the_same_approval_makes_one_change_set(client, stub):
    serves(stub, "")
    stub.add_client_error("create_change_set", "AlreadyExistsException", expected_params=CHANGE_SET)
    propose(client, STACK, PACKAGE)


def test_a_change_sets_name_is_one_that_cloudformation_takes():
    assert re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", change_set_name(PACKAGE))
    assert change_set_name(PACKAGE) == change_set_name(PACKAGE)
    assert change_set_name(PACKAGE) != change_set_name(PACKAGE[:-1] + "4")
