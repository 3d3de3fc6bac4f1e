"""`approve` on a real model package group; the chain's test waits for the endpoint."""

import io
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from rich.console import Console

from scripts.commands import approve as command
from scripts.commands.console import CommandError

Approve = Callable[..., int]
Deploy = Callable[..., None]
EVALUATION = {"multiclass_classification_metrics": {"accuracy": {"value": 0.97}}}


@pytest.fixture
def approve(
    session: boto3.Session,
    environment: str,
    pipeline: str,
    console: Console,
    deploy_outputs: Deploy,
) -> Approve:
    deploy_outputs("serving", EndpointName="shardwise", ModelPackageArn="none")
    session.client("sagemaker").create_model_package_group(ModelPackageGroupName=pipeline)

    def run(*arguments: str) -> int:
        given = [*arguments, "--environment", environment, "--no-wait"]
        return command.approve(command._arguments(given), console)

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


def test_no_package_that_waits_is_one_sentence(approve: Approve) -> None:
    with pytest.raises(CommandError, match="waits for approval"):
        approve()
