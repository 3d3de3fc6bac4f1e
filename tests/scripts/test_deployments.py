"""Waiting for the serving stack, on real stacks; the chain's test has an endpoint too."""

import json
import threading
from typing import Any

import boto3
import pytest

from scripts.commands.console import CommandError
from scripts.commands.deployments import Deployment, last_update
from scripts.commands.stacks import describe

PACKAGE = "arn:aws:sagemaker:us-east-1:000000000000:model-package/shardwise/2"
TEMPLATE: dict[str, Any] = {
    "Parameters": {"Package": {"Type": "String", "Default": ""}},
    "Resources": {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Package"}}}
    },
    "Outputs": {
        "EndpointName": {"Value": "shardwise"},
        "ModelPackageArn": {"Value": {"Ref": "Package"}},
    },
}
# Nobody answers for this resource, as its function is not there.
BROKEN = {
    **TEMPLATE,
    "Resources": {
        **TEMPLATE["Resources"],
        "Broken": {
            "Type": "AWS::CloudFormation::CustomResource",
            "Properties": {"ServiceToken": "arn:aws:lambda:us-east-1:000000000000:function:none"},
        },
    },
}


@pytest.fixture
def deployment(session: boto3.Session, environment: str) -> Deployment:
    cloudformation = session.client("cloudformation")
    name = f"shardwise-{environment}-serving"
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(TEMPLATE))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    since = last_update(describe(session, environment, "serving"))
    return Deployment(session, environment, PACKAGE, since, start_seconds=1)


def parameters() -> list[Any]:
    return [{"ParameterKey": "Package", "ParameterValue": PACKAGE}]


def test_an_update_that_does_not_begin_is_one_sentence(deployment: Deployment) -> None:
    with pytest.raises(CommandError, match=r"has not begun after 1 s: look into the deployer"):
        deployment.wait(print)


def test_an_update_that_is_rolled_back_says_why(
    deployment: Deployment, session: boto3.Session, environment: str
) -> None:
    deployment.start_seconds = 60
    # Stacks remember the second of their last update.
    update = threading.Timer(
        1.5,
        lambda: session.client("cloudformation").update_stack(
            StackName=f"shardwise-{environment}-serving",
            TemplateBody=json.dumps(BROKEN),
            Parameters=parameters(),
        ),
    )
    update.start()
    told: list[str] = []

    with pytest.raises(CommandError, match=r"ended as UPDATE_ROLLBACK_COMPLETE .*\(Broken: "):
        deployment.wait(told.append)
    update.join()
    assert told[0].endswith("serving: CREATE_COMPLETE")
    assert len(told) == len(set(told)) > 1


def test_a_change_set_that_waits_for_a_person_is_named(
    deployment: Deployment,
    session: boto3.Session,
    environment: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("scripts.commands.deployments.CHANGE_SET_SECONDS", 0.1)
    deployment.start_seconds = 60
    cloudformation = session.client("cloudformation")
    name = f"shardwise-{environment}-serving"
    cloudformation.create_change_set(
        StackName=name,
        ChangeSetName="package-2",
        TemplateBody=json.dumps(TEMPLATE),
        Parameters=parameters(),
    )
    cloudformation.get_waiter("change_set_create_complete").wait(
        StackName=name, ChangeSetName="package-2", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )

    assert deployment.wait(print) == (
        f"The change set package-2 of {name} waits for a person to execute it."
    )
