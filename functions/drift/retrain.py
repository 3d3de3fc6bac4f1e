"""Asks the starter for a run for a model package whose answers drifted."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypedDict

import boto3

from functions.shared.documents import Documents

from .comparison import COMPARISON
from .models import served_package

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger(__name__)
logging.getLogger().setLevel(logging.INFO)

SOURCE, DETAIL_TYPE = "shardwise.drift", "Retraining Requested"


class RetrainError(Exception):
    """One sentence: what is wrong, where, what to do."""


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
    def from_environment(cls, variables: Mapping[str, str]) -> Self:
        """Reads them."""
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
    events: "EventBridgeClient"
    s3: "S3Client"


def handler(event: AlarmStateChange, context: object) -> str | None:
    """What it has asked for a run as, or None."""
    clients = Clients(boto3.client("cloudformation"), boto3.client("events"), boto3.client("s3"))
    return retrain(event, clients, Settings.from_environment(os.environ))


def retrain(event: AlarmStateChange, clients: Clients, settings: Settings) -> str | None:
    """Asks for a run where the last comparison is past the threshold and its model package is still
    served; else None.

    The event says only that the alarm was raised, perhaps twice, perhaps hours ago: what counts is
    what is so now. The starter gives a package one run, however often it is asked.

    Raises:
        RetrainError: EventBridge did not take the request.
    """
    if event["detail"]["state"]["value"] != "ALARM":
        return None
    package = _drifted(Documents(clients.s3, settings.records_bucket), settings.threshold)
    if package is None:
        logger.info("%s is over: the last comparison is not.", event["detail"]["alarmName"])
        return None
    if served_package(clients.cloudformation, settings.stack, settings.parameter) != package:
        logger.info("Another model than %s, whose answers drifted, is served by now.", package)
        return None
    _ask(clients.events, settings.pipeline, package)
    logger.info("A run is asked for as %s: its answers have drifted.", asked_as(package))
    return asked_as(package)


def _drifted(kept: Documents, threshold: float) -> str | None:
    found = kept.read(COMPARISON)
    if found is None:
        return None
    last, _ = found
    if last["drift"] is None or last["drift"] <= threshold:
        return None
    package: str = last["model_package_arn"]
    return package


def _ask(client: "EventBridgeClient", pipeline: str, package: str) -> None:
    detail = {"Id": asked_as(package), "PipelineName": pipeline}
    (answer,) = client.put_events(
        Entries=[{"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps(detail)}]
    )["Entries"]
    if "ErrorCode" in answer:
        raise RetrainError(
            f"EventBridge did not take the request for a run of {pipeline} "
            f"({answer['ErrorCode']}: {answer.get('ErrorMessage')}): this event is tried again."
        )


def asked_as(package: str) -> str:
    """`drift/<group>/<version>`: no drop's id, which has no slash."""
    return f"drift/{package.partition(':model-package/')[2]}"
