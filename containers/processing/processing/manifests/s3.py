"""What CreateManifests asks of S3."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
from boto3.exceptions import Boto3Error, RetriesExceededError  # type: ignore[import-untyped]
from boto3.s3.transfer import TransferConfig  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
)
from tenacity import (
    retry,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from processing.container import UserError

# Requests in flight; more would only wait for the network.
CONNECTIONS = 16
# A tenth of all calls may be throttled: ten in a row are one in 10,000,000,000.
ATTEMPTS = 10

S3Client = Any


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The current version of an object; size in bytes."""

    key: str
    version_id: str
    size: int
    last_modified: datetime


def s3_client() -> S3Client:
    """A client that many threads may use at once.

    Standard mode retries throttling, faults of the service and broken connections, after waits
    that grow exponentially with full jitter
    (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html).
    """
    retries = {"mode": "standard", "total_max_attempts": ATTEMPTS}
    # Two levels of folders are listed at a time.
    config = Config(max_pool_connections=2 * CONNECTIONS, retries=retries)
    return boto3.client("s3", config=config)


# Parallel parts of a file would each hold some megabytes.
ONE_STREAM = TransferConfig(use_threads=False)
# boto3 retries requests; what breaks off while a body is read, it raises.
broken_bodies_again = retry(
    retry=retry_if_exception_type((HTTPClientError, IncompleteReadError, RetriesExceededError)),
    wait=wait_random_exponential(max=20),
    stop=stop_after_attempt(ATTEMPTS),
    reraise=True,
)


@broken_bodies_again
def download(s3: S3Client, bucket: str, stored: StoredObject, path: Path) -> Path:
    """Writes the very version that was listed to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    version = {"VersionId": stored.version_id}
    s3.download_file(bucket, stored.key, str(path), ExtraArgs=version, Config=ONE_STREAM)
    return path


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
    except (BotoCoreError, Boto3Error) as error:
        raise UserError(f"S3 could not be reached: {error}") from error
