"""`approve` on a real model package group; the chain's tests wait for the endpoint."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from rich.console import Console

from scripts.commands import approve as command
from scripts.console import CommandError
from scripts.deployed.deployments import Deployment

Approve = Callable[..., int]
SERVING = {
    "Parameters": {"ModelPackageArn": {"Type": "String", "Default": ""}},
    "Resources": {
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"DisplayName": {"Ref": "ModelPackageArn"}},
        }
    },
    "Outputs": {
        "EndpointName": {"Value": "shardwise"},
        "ModelPackageArn": {"Value": {"Ref": "ModelPackageArn"}},
    },
}
EVALUATION = {"multiclass_classification_metrics": {"accuracy": {"value": 0.97}}}


@pytest.fixture
def deploy_serving(session: boto3.Session, environment: str) -> None:
    """A serving stack in which only the parameter is as deployed."""
    cloudformation = session.client("cloudformation")
    name = f"shardwise-{environment}-serving"
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(SERVING))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )


@pytest.fixture
def serve(
    session: boto3.Session, environment: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """Brings the stack to a package; an endpoint is not asked for."""
    monkeypatch.setattr(Deployment, "_wait_for_endpoint", lambda *_: "It serves.")

    def run(arn: str) -> None:
        cloudformation = session.client("cloudformation")
        name = f"shardwise-{environment}-serving"
        cloudformation.update_stack(
            StackName=name,
            UsePreviousTemplate=True,
            Parameters=[{"ParameterKey": "ModelPackageArn", "ParameterValue": arn}],
        )
        cloudformation.get_waiter("stack_update_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )

    return run


@pytest.fixture
def heard(session: boto3.Session, pipeline: str) -> Iterator[Callable[[int], list[Any]]]:
    """Waits for so many events of the group's packages: ARN, status, changed fields."""
    sqs, events = session.client("sqs"), session.client("events")
    queue = sqs.create_queue(QueueName=pipeline)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    pattern = {"source": ["aws.sagemaker"], "detail": {"ModelPackageGroupName": [pipeline]}}
    events.put_rule(Name=pipeline, EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": arn["Attributes"]["QueueArn"]}
    events.put_targets(Rule=pipeline, Targets=[target])
    details: list[Any] = []

    def wait(count: int) -> list[Any]:
        while len(details) < count:
            received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
            for message in received:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                details.append(json.loads(message["Body"])["detail"])
        return [
            (d["ModelPackageArn"], d["ModelApprovalStatus"], d.get("UpdatedModelPackageFields"))
            for d in details
        ]

    yield wait
    events.remove_targets(Rule=pipeline, Ids=["queue"])
    events.delete_rule(Name=pipeline)


@pytest.fixture
def approve(
    session: boto3.Session,
    environment: str,
    pipeline: str,
    console: Console,
    deploy_serving: None,
) -> Approve:
    session.client("sagemaker").create_model_package_group(ModelPackageGroupName=pipeline)

    def run(*arguments: str) -> int:
        given = ["--environment", environment, "--no-wait", *arguments]
        return command.main.execute(given, console)

    return run


@pytest.fixture
def register(session: boto3.Session, pipeline: str, bucket: str) -> Callable[[], str]:
    """Registers a package with metrics, as the pipeline does."""
    session.client("s3").put_object(Bucket=bucket, Key="e.json", Body=json.dumps(EVALUATION))
    metrics = {"ContentType": "application/json", "S3Uri": f"s3://{bucket}/e.json"}
    image = "000000000000.dkr.ecr.us-east-1.amazonaws.com/inference:1"
    container = {"Image": image, "ModelDataUrl": f"s3://{bucket}/model.tar.gz"}

    def run() -> str:
        return session.client("sagemaker").create_model_package(
            ModelPackageGroupName=pipeline,
            ModelApprovalStatus="PendingManualApproval",
            ModelMetrics={"ModelQuality": {"Statistics": metrics}},
            InferenceSpecification={
                "Containers": [container],  # type: ignore[list-item]
                "SupportedContentTypes": ["image/png"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
        )["ModelPackageArn"]

    return run


def package(session: boto3.Session, arn: str) -> Any:
    return session.client("sagemaker").describe_model_package(ModelPackageName=arn)


def test_the_newest_waiting_package_is_approved_after_its_metrics_are_shown(
    session: boto3.Session, approve: Approve, register: Callable[[], str], output: io.StringIO
) -> None:
    older, newest = register(), register()

    assert approve("--note", "better on sevens") == 0
    assert package(session, newest)["ModelApprovalStatus"] == "Approved"
    assert package(session, newest)["ApprovalDescription"] == "better on sevens"
    assert package(session, older)["ModelApprovalStatus"] == "PendingManualApproval"
    said = output.getvalue()
    assert said.index("accuracy: 0.9700") < said.index("Approved.")


def test_a_package_can_be_rejected(
    session: boto3.Session, approve: Approve, register: Callable[[], str]
) -> None:
    arn = register()

    assert approve(arn, "--reject") == 0
    assert package(session, arn)["ModelApprovalStatus"] == "Rejected"


def test_a_package_can_be_named_by_its_version(
    session: boto3.Session, approve: Approve, register: Callable[[], str]
) -> None:
    older, newest = register(), register()

    assert approve("1") == 0
    assert package(session, older)["ModelApprovalStatus"] == "Approved"
    assert package(session, newest)["ModelApprovalStatus"] == "PendingManualApproval"
    with pytest.raises(CommandError, match="has no model package of version 3"):
        approve("3")


def test_approving_again_is_heard_as_an_approval(
    session: boto3.Session,
    approve: Approve,
    register: Callable[[], str],
    heard: Callable[[int], list[Any]],
) -> None:
    older = register()
    register()

    approve("1")
    approve("2")
    approve("1")

    assert heard(6)[-2:] == [
        (older, "PendingManualApproval", ["ModelApprovalStatus"]),
        (older, "Approved", ["ModelApprovalStatus"]),
    ]


def test_approving_what_serves_and_is_not_about_to_be_replaced_takes_nothing_back(
    session: boto3.Session,
    approve: Approve,
    register: Callable[[], str],
    serve: Callable[[str], None],
    heard: Callable[[int], list[Any]],
) -> None:
    arn = register()
    approve("1")
    serve(arn)

    assert approve("1", "--wait") == 0
    assert [status for _, status, _ in heard(3)] == ["PendingManualApproval", *["Approved"] * 2]


def test_rejecting_what_alone_is_approved_says_that_it_serves_on(
    approve: Approve,
    register: Callable[[], str],
    serve: Callable[[str], None],
    output: io.StringIO,
) -> None:
    arn = register()
    approve("1")
    serve(arn)

    assert approve("1", "--reject", "--wait") == 0
    assert "No other package is approved: it serves on until one is." in output.getvalue()


def test_no_package_that_waits_is_one_sentence(approve: Approve) -> None:
    with pytest.raises(CommandError, match="waits for approval"):
        approve()


def test_its_help_shows_how_to_go_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--help"]) == 0
    assert "./scripts/approve 4 --reject" in capsys.readouterr().out
