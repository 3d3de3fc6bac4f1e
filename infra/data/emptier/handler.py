"""Empties a bucket before CloudFormation deletes it."""

import json
import logging
import urllib.request
from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

import boto3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


class _Properties(TypedDict):
    BucketName: str


class Request(TypedDict):
    """What CloudFormation asks of a custom resource.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
    """

    RequestType: Literal["Create", "Update", "Delete"]
    ResponseURL: str
    StackId: str
    RequestId: str
    LogicalResourceId: str
    PhysicalResourceId: NotRequired[str]
    ResourceProperties: _Properties


def handler(event: Request, context: object) -> None:
    """Answers CloudFormation in any case: without an answer it would wait for an hour."""
    bucket = event["ResourceProperties"]["BucketName"]
    try:
        if event["RequestType"] == "Delete":
            empty(boto3.client("s3"), bucket)
    except Exception as error:
        logger.exception("%s was not emptied.", bucket)
        _answer(event, "FAILED", f"{bucket} was not emptied: {error}")
    else:
        _answer(event, "SUCCESS", "")


def empty(client: "S3Client", bucket: str) -> int:
    """Deletes every version of every object; returns how many.

    :raises RuntimeError: S3 kept some; the message names the first.
    """
    deleted = 0
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        objects: list[ObjectIdentifierTypeDef] = [
            {"Key": version["Key"], "VersionId": version["VersionId"]}
            for version in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        ]
        if not objects:
            continue
        answer = client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        if errors := answer.get("Errors"):
            raise RuntimeError(f"{errors[0].get('Key')}: {errors[0].get('Message')}")
        deleted += len(objects)
    logger.info("%s had %d versions of objects.", bucket, deleted)
    return deleted


def _answer(event: Request, status: str, reason: str) -> None:
    body = {
        "Status": status,
        "Reason": reason,
        # A bucket of another name is another resource, so that the old one is emptied when it is
        # replaced.
        "PhysicalResourceId": event["ResourceProperties"]["BucketName"]
        if event["RequestType"] != "Delete"
        else event.get("PhysicalResourceId", ""),
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own URL
        event["ResponseURL"],
        data=json.dumps(body).encode(),
        headers={"Content-Type": ""},
        method="PUT",
    )
    urllib.request.urlopen(request, timeout=20).close()  # noqa: S310
