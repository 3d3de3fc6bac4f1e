"""Empties a bucket before CloudFormation deletes it."""

import json
import logging
import os
import urllib.request
from typing import TYPE_CHECKING, Literal, NotRequired, TypedDict

import boto3
from botocore.exceptions import ClientError

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
            client = boto3.client("s3")
            if is_to_be_emptied(client, bucket, os.environ["TAG"]):
                empty(client, bucket)
    except Exception as error:
        logger.exception("%s was not emptied.", bucket)
        _answer(event, "FAILED", f"{bucket} was not emptied: {error}")
    else:
        _answer(event, "SUCCESS", "")


def is_to_be_emptied(client: "S3Client", bucket: str, tag: str) -> bool:
    """Whether the bucket still has the tag that says so.

    An environment that comes to keep its data loses this resource and its buckets' tags, and the
    tags first.
    """
    try:
        tags = client.get_bucket_tagging(Bucket=bucket)["TagSet"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchTagSet":
            raise
        tags = []
    kept = {"Key": tag, "Value": "true"} not in tags
    if kept:
        logger.info("%s is kept: it has no tag %s.", bucket, tag)
    return not kept


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
