"""Waiting for the serving stack, on real stacks; the chain's test has an endpoint too."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from functions.deployer.approvals import Attempt
from scripts.console import CommandError
from scripts.deployed.deployments import Attempts, Deployment

PACKAGE = "arn:aws:sagemaker:us-east-1:000000000000:model-package/shardwise/2"
OTHER = "arn:aws:sagemaker:us-east-1:000000000000:model-package/shardwise/1"
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
Update = Callable[..., None]


@pytest.fixture
def stack(session: boto3.Session, environment: str) -> str:
    cloudformation = session.client("cloudformation")
    name = f"shardwise-{environment}-serving"
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(TEMPLATE))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    return name


@pytest.fixture
def deployment(session: boto3.Session, environment: str, stack: str) -> Deployment:
    attempts = Attempts.from_now(session, environment)
    return Deployment(session, environment, [PACKAGE], attempts, start_seconds=1)


@pytest.fixture
def update(session: boto3.Session, stack: str) -> Update:
    """Updates the stack as the deployer does, to its end."""

    def run(package: str, token: str, template: dict[str, Any] = TEMPLATE) -> None:
        cloudformation = session.client("cloudformation")
        cloudformation.update_stack(
            StackName=stack,
            TemplateBody=json.dumps(template),
            Parameters=parameters(package),
            ClientRequestToken=token,
        )
        while (
            cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        ).endswith("IN_PROGRESS"):
            pass

    return run


def parameters(package: str = PACKAGE) -> list[Any]:
    return [{"ParameterKey": "Package", "ParameterValue": package}]


def propose(session: boto3.Session, stack: str, name: str) -> None:
    cloudformation = session.client("cloudformation")
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=name,
        TemplateBody=json.dumps(TEMPLATE),
        Parameters=parameters(),
    )
    cloudformation.get_waiter("change_set_create_complete").wait(
        StackName=stack, ChangeSetName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )


def test_an_update_that_does_not_begin_is_one_sentence(deployment: Deployment) -> None:
    with pytest.raises(CommandError, match=r"has not begun after 1 s: look into the deployer"):
        deployment.wait(print)


def test_an_update_that_is_rolled_back_says_why(deployment: Deployment, update: Update) -> None:
    deployment.start_seconds = 60
    updating = threading.Thread(target=update, args=[PACKAGE, "model-2-1-1", BROKEN])
    told: list[str] = []

    def tell(sentence: str) -> None:
        if not told:
            updating.start()
        told.append(sentence)

    with pytest.raises(
        CommandError,
        match=r"to arn.*/2 was rolled back \(Broken: .*\) and no model serves on",
    ):
        deployment.wait(tell)
    updating.join()
    assert told[0].endswith("serving: CREATE_COMPLETE")
    assert len(told) == len(set(told))


def test_what_another_package_or_an_earlier_attempt_came_to_is_not_told(
    deployment: Deployment, update: Update, session: boto3.Session, environment: str
) -> None:
    update(PACKAGE, "model-2-1-1", BROKEN)
    deployment.attempts = Attempts.from_now(session, environment)
    update(OTHER, "model-1-1-2", BROKEN)
    update(OTHER, "model-22-1-3", BROKEN)

    with pytest.raises(CommandError, match="has not begun"):
        deployment.wait(print)


def test_a_change_set_that_waits_for_a_person_is_named_with_what_to_type(
    deployment: Deployment, session: boto3.Session, stack: str
) -> None:
    propose(session, stack, "model-2-1764028800000")

    assert deployment.wait(print) == (
        f"A person decides whether {PACKAGE} serves: aws cloudformation execute-change-set "
        f"--stack-name {stack} --change-set-name model-2-1764028800000 "
        "--client-request-token model-2-1764028800000"
    )


def test_the_deployer_names_its_attempts_as_they_are_looked_for(
    deployment: Deployment, session: boto3.Session, stack: str
) -> None:
    name = Attempt(2, datetime(2026, 11, 25, tzinfo=UTC)).name
    propose(session, stack, name)

    assert deployment.attempts.proposal(PACKAGE) == name
    assert deployment.attempts.proposal(OTHER) is None


def test_a_change_set_from_before_the_decision_is_not_named(
    deployment: Deployment, session: boto3.Session, stack: str, environment: str
) -> None:
    propose(session, stack, "model-2-1764028800000")
    deployment.attempts = Attempts.from_now(session, environment)

    assert deployment.attempts.any_waits()
    with pytest.raises(CommandError, match="has not begun"):
        deployment.wait(print)
