"""What CreateManifests asks of S3."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from processing.container import UserError
from processing.manifests.settings import S3Folder

# Requests in flight; more would only wait for the network.
CONNECTIONS = 16

S3Client = Any


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The current version of an object."""

    key: str
    version_id: str
    size: int
    last_modified: datetime


def s3_client() -> S3Client:
    """A client that retries and that many threads may use at once."""
    retries = {"mode": "standard", "max_attempts": 8}
    return boto3.client("s3", config=Config(max_pool_connections=CONNECTIONS, retries=retries))


def current_objects(s3: S3Client, folder: S3Folder) -> Iterator[StoredObject]:
    """The current version of every object below `folder`, deleted ones left out.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html, which also
    serves a bucket without versions (their version id is "null").
    """
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=folder.bucket, Prefix=folder.prefix
    )
    for page in pages:
        for version in page.get("Versions", []):
            if version["IsLatest"]:
                yield StoredObject(
                    version["Key"], version["VersionId"], version["Size"], version["LastModified"]
                )


def read_object(s3: S3Client, bucket: str, stored: StoredObject) -> bytes:
    """The bytes of the very version that was listed."""
    answer = s3.get_object(Bucket=bucket, Key=stored.key, VersionId=stored.version_id)
    content: bytes = answer["Body"].read()
    return content


@contextmanager
def refusals_in_a_sentence() -> Iterator[None]:
    """Turns what S3 refuses, and its not being reached, into a UserError."""
    try:
        yield
    except ClientError as error:
        raise UserError(
            f"S3 refused {error.operation_name} ({error.response['Error'].get('Message', error)}): "
            "check that the buckets exist and what the job's role may do."
        ) from error
    except BotoCoreError as error:
        raise UserError(f"S3 could not be reached: {error}") from error
