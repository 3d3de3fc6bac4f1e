"""Starts one pipeline execution for the drop whose marker was written."""

import hashlib
import logging
import os
import re
from typing import TYPE_CHECKING, TypedDict

import boto3

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

# EventBridge carries an object's key as it is, where an S3 notification would have URL-encoded it.
_MARKER = re.compile(r"drops/(?P<drop_id>[^/]+)/_SUCCESS")
_DISPLAY_NAME_LENGTH = 82
_PARAMETER_LENGTH = 1024


class _Named(TypedDict):
    name: str


class _Object(TypedDict):
    key: str


class _Detail(TypedDict):
    bucket: _Named
    object: _Object


class ObjectCreated(TypedDict):
    """What is read of the event: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html."""

    detail: _Detail


def handler(event: ObjectCreated, context: object) -> None:
    """The same marker, however often its event arrives, starts one execution."""
    start(event, boto3.client("sagemaker"), os.environ["PIPELINE_NAME"])


def start(event: ObjectCreated, client: "SageMakerClient", pipeline: str) -> str | None:
    """ARN of the execution that the drop has, or None where the object is no drop's marker."""
    bucket, key = event["detail"]["bucket"]["name"], event["detail"]["object"]["key"]
    match = _MARKER.fullmatch(key)
    if match is None:
        logger.info("Ignored %s: a drop's marker is drops/<drop id>/_SUCCESS.", key)
        return None
    drop_id = match["drop_id"]
    if len(drop_id) > _PARAMETER_LENGTH:
        logger.error("Ignored %s: its drop id is longer than a pipeline parameter.", key)
        return None
    answer = client.start_pipeline_execution(
        PipelineName=pipeline,
        PipelineExecutionDisplayName=display_name(drop_id),
        PipelineParameters=[{"Name": "DropId", "Value": drop_id}],
        ClientRequestToken=request_token(bucket, drop_id),
    )
    arn = answer["PipelineExecutionArn"]
    logger.info("Drop %s of %s has the execution %s.", drop_id, bucket, arn)
    return arn


def request_token(bucket: str, drop_id: str) -> str:
    """64 characters, the same for the same drop, so that SageMaker starts nothing twice."""
    return hashlib.sha256(f"{bucket}/{drop_id}".encode()).hexdigest()


def display_name(drop_id: str) -> str:
    """The drop's id as a display name can show it: letters, digits and hyphens, at most 82."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", drop_id).strip("-")
    return name[:_DISPLAY_NAME_LENGTH].rstrip("-") or "drop"
