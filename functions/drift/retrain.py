"""Asks the starter for a run for a model package whose answers drifted."""

import json
import logging
import os
from typing import Any

import boto3

from functions.shared import RETRAINING_SOURCE, Documents, EventType

from .comparison import COMPARISON
from .models import served_package

logger = logging.getLogger(__name__)
logging.getLogger().setLevel(logging.INFO)


class RetrainError(Exception):
    """One sentence: what is wrong, where, what to do."""


def handler(event: dict[str, Any], context: object) -> str | None:
    """Asks for a run where the last comparison is past the threshold and its model is still served.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html

    The event says only that the alarm was raised, perhaps twice, perhaps hours ago: what counts is
    what is so now. The starter gives a package one run, however often it is asked.

    Returns:
        What it has asked for a run as, or None.

    Raises:
        RetrainError: EventBridge did not take the request.
    """
    if event["detail"]["state"]["value"] != "ALARM":
        return None
    documents = Documents(boto3.client("s3"), os.environ["RECORDS_BUCKET"])
    package = _drifted(documents, float(os.environ["THRESHOLD"]))
    if package is None:
        logger.info("%s is over: the last comparison is not.", event["detail"]["alarmName"])
        return None
    stack, parameter = os.environ["STACK_NAME"], os.environ["PARAMETER"]
    if served_package(boto3.client("cloudformation"), stack, parameter) != package:
        logger.info("Another model than %s, whose answers drifted, is served by now.", package)
        return None
    _ask(os.environ["PIPELINE_NAME"], package)
    logger.info("A run is asked for as %s: its answers have drifted.", asked_as(package))
    return asked_as(package)


def _drifted(documents: Documents, threshold: float) -> str | None:
    found = documents.read(COMPARISON)
    if found is None:
        return None
    last, _ = found
    if last["drift"] is None or last["drift"] <= threshold:
        return None
    package: str = last["model_package_arn"]
    return package


def _ask(pipeline: str, package: str) -> None:
    detail = {"Id": asked_as(package), "PipelineName": pipeline}
    (answer,) = boto3.client("events").put_events(
        Entries=[
            {
                "Source": RETRAINING_SOURCE,
                "DetailType": EventType.RETRAINING_REQUESTED,
                "Detail": json.dumps(detail),
            }
        ]
    )["Entries"]
    if "ErrorCode" in answer:
        raise RetrainError(
            f"EventBridge did not take the request for a run of {pipeline} "
            f"({answer['ErrorCode']}: {answer.get('ErrorMessage')}): this event is tried again."
        )


def asked_as(package: str) -> str:
    """`drift/<group>/<version>`: no drop's id, which has no slash."""
    return f"drift/{package.partition(':model-package/')[2]}"
