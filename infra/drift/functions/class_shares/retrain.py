"""Starts one pipeline execution for a model package whose answers drifted."""

import hashlib
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypedDict

import boto3

from . import records
from .records import Records
from .served import served_package

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

logger = logging.getLogger(__name__)
logging.getLogger().setLevel(logging.INFO)

_DISPLAY_NAME_LENGTH = 82


class _State(TypedDict):
    value: str


class _Detail(TypedDict):
    alarmName: str
    state: _State


class AlarmStateChange(TypedDict):
    """What is read of the event.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
    """

    detail: _Detail


@dataclass(frozen=True)
class Settings:
    """What the function's environment variables say."""

    stack: str
    parameter: str
    pipeline: str
    records_bucket: str
    threshold: float

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Self:
        return cls(
            stack=variables["STACK_NAME"],
            parameter=variables["PARAMETER"],
            pipeline=variables["PIPELINE_NAME"],
            records_bucket=variables["RECORDS_BUCKET"],
            threshold=float(variables["THRESHOLD"]),
        )


@dataclass(frozen=True)
class Clients:
    """One of each service that is asked."""

    cloudformation: "CloudFormationClient"
    sagemaker: "SageMakerClient"
    s3: "S3Client"


def handler(event: AlarmStateChange, context: object) -> str | None:
    """ARN of the execution that it started, or None."""
    clients = Clients(boto3.client("cloudformation"), boto3.client("sagemaker"), boto3.client("s3"))
    return retrain(event, clients, Settings.of(os.environ))


def retrain(event: AlarmStateChange, clients: Clients, settings: Settings) -> str | None:
    """Starts an execution where the last comparison is past the threshold, its model package is
    still served and had none yet; else None.

    The event says only that the alarm was raised, perhaps twice, perhaps hours ago: what counts is
    what is so now.
    """
    if event["detail"]["state"]["value"] != "ALARM":
        return None
    kept = Records(clients.s3, settings.records_bucket)
    package = _drifted(kept, settings.threshold)
    if package is None:
        logger.info("%s is over: the last comparison is not.", event["detail"]["alarmName"])
        return None
    if served_package(clients.cloudformation, settings.stack, settings.parameter) != package:
        logger.info("Another model than %s, whose answers drifted, is served by now.", package)
        return None
    return _start_once(clients.sagemaker, kept, settings.pipeline, package)


def _drifted(kept: Records, threshold: float) -> str | None:
    last = kept.read(records.COMPARISON)
    if last is None or last["drift"] is None or last["drift"] <= threshold:
        return None
    package: str = last["model_package_arn"]
    return package


def _start_once(
    client: "SageMakerClient", kept: Records, pipeline: str, package: str
) -> str | None:
    """The token keeps two events at one time apart, the note those for which SageMaker may have
    forgotten it.
    """
    noted = kept.read(records.execution_key(package))
    if noted is not None:
        logger.info("%s has the execution %s already.", package, noted["execution_arn"])
        return None
    answer = client.start_pipeline_execution(
        PipelineName=pipeline,
        PipelineExecutionDisplayName=display_name(package),
        PipelineExecutionDescription="The answers of the model package have drifted",
        PipelineParameters=[{"Name": "DropId", "Value": started_by(package)}],
        ClientRequestToken=request_token(package),
    )
    arn = answer["PipelineExecutionArn"]
    kept.write(records.execution_key(package), {"model_package_arn": package, "execution_arn": arn})
    logger.info("Drift of the answers of %s started the execution %s.", package, arn)
    return arn


def started_by(package: str) -> str:
    """`drift/<group>/<version>`: no drop's id, which has no slash."""
    return f"drift/{records.name_of(package)}"


def request_token(package: str) -> str:
    """64 characters, the same for the same package, so that SageMaker starts nothing twice."""
    return hashlib.sha256(started_by(package).encode()).hexdigest()


def display_name(package: str) -> str:
    """The same as a display name can show it: letters, digits and hyphens, at most 82."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", started_by(package))
    return name[-_DISPLAY_NAME_LENGTH:].strip("-")
