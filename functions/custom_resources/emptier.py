"""Empties a bucket before CloudFormation deletes it."""

import logging
import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from .request import Context, Request, answers, client_config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

logger = logging.getLogger(__name__)

# Of 1,000 versions each, as many as boto3 keeps connections for, but for the listing's.
_REQUESTS_AT_ONCE = 8
# What is left of the function's time for the requests under way and the answer to CloudFormation.
_TO_ANSWER_SECONDS = 120
# A request that hangs is given up within that.
_CLIENT = client_config(read_timeout=25)
# Of single objects in an answer that is 200 itself, or of a whole request.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_PASSING = frozenset({"InternalError", "ServiceUnavailable", "SlowDown", "OperationAborted"})


class NotEmptiedError(Exception):
    """Some versions of objects are still there."""


# A bucket of another name is another resource, so that the old one is emptied when it is replaced.
@answers(
    lambda properties: properties["BucketName"],
    failure=lambda properties: f"{properties['BucketName']} was not emptied: ",
)
def handler(event: Request, context: Context) -> None:
    """Empties the bucket `BucketName` when it is to be deleted."""
    bucket = event["ResourceProperties"]["BucketName"]
    if event["RequestType"] == "Delete":
        client = boto3.client("s3", config=_CLIENT)
        if is_to_be_emptied(client, bucket, os.environ["TAG"]):
            seconds = context.get_remaining_time_in_millis() / 1000 - _TO_ANSWER_SECONDS
            empty(client, bucket, seconds)


def is_to_be_emptied(client: "S3Client", bucket: str, tag: str) -> bool:
    """Whether the bucket is there and still has the tag that says so.

    An environment that comes to keep its data loses this resource and its buckets' tags, and the
    tags first. Where somebody deleted a bucket by hand CloudFormation goes on without it, too.
    """
    try:
        tags = client.get_bucket_tagging(Bucket=bucket)["TagSet"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "NoSuchBucket":
            logger.info("%s is gone.", bucket)
            return False
        if code != "NoSuchTagSet":
            raise
        tags = []
    kept = {"Key": tag, "Value": "true"} not in tags
    if kept:
        logger.info("%s is kept: it has no tag %s.", bucket, tag)
    return not kept


def empty(client: "S3Client", bucket: str, seconds: float) -> int:
    """Deletes every version of every object; returns how many.

    It looks again until there are none, as some may be written meanwhile, or kept by a fault of S3.

    Args:
        seconds: after which it deletes no more.

    Raises:
        NotEmptiedError: some are left, or S3 kept some; the message names the first.
    """
    end, deleted = time.monotonic() + seconds, 0
    with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as pool:
        found = True
        while found:
            found = False
            pending: deque[Future[int]] = deque()
            for objects in _pages(client, bucket):
                found = True
                if time.monotonic() >= end:
                    deleted += sum(request.result() for request in pending)
                    raise NotEmptiedError(
                        f"{deleted} versions of objects were deleted in {seconds:.0f} seconds and "
                        "more are left: destroy the stack again, which goes on from there"
                    )
                pending.append(pool.submit(_delete, client, bucket, objects))
                if len(pending) > _REQUESTS_AT_ONCE:
                    deleted += pending.popleft().result()
            deleted += sum(request.result() for request in pending)
    logger.info("%s had %d versions of objects.", bucket, deleted)
    return deleted


def _pages(client: "S3Client", bucket: str) -> "Iterator[list[ObjectIdentifierTypeDef]]":
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        objects: list[ObjectIdentifierTypeDef] = [
            {"Key": version["Key"], "VersionId": version["VersionId"]}
            for version in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        ]
        if objects:
            yield objects


def _delete(client: "S3Client", bucket: str, objects: "list[ObjectIdentifierTypeDef]") -> int:
    try:
        answer = client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    except ClientError as error:
        if error.response["Error"]["Code"] not in _PASSING:
            raise
        return 0
    errors = answer.get("Errors", [])
    for one in errors:
        if one.get("Code") not in _PASSING:
            raise NotEmptiedError(f"{one.get('Key')}: {one.get('Message')}")
    return len(objects) - len(errors)
