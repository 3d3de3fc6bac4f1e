"""How the steps ask AWS."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
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

from processing.common.container import UserError

# A tenth of all calls may be throttled: ten in a row are one in 10,000,000,000.
ATTEMPTS = 10

Client = Any


def client(service: str, connections: int = 10) -> Client:
    """A client that many threads may use at once, with so many requests in flight at most.

    Standard mode retries throttling, faults of the service and broken connections, after waits
    that grow exponentially with full jitter
    (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html).
    """
    retries = {"mode": "standard", "total_max_attempts": ATTEMPTS}
    config = Config(max_pool_connections=connections, retries=retries)
    # SageMaker names the Region in this variable, which boto3 does not read.
    return boto3.client(service, region_name=os.environ.get("AWS_REGION"), config=config)


# Parallel parts of a file would each hold some megabytes.
ONE_STREAM = TransferConfig(use_threads=False)
# boto3 retries requests; what breaks off while a body is read, it raises.
broken_bodies_again = retry(
    retry=retry_if_exception_type((HTTPClientError, IncompleteReadError, RetriesExceededError)),
    wait=wait_random_exponential(max=20),
    stop=stop_after_attempt(ATTEMPTS),
    reraise=True,
)


@contextmanager
def refusals_in_a_sentence(service: str) -> Iterator[None]:
    """Turns what a service refuses, and its not being reached, into a UserError that names it."""
    try:
        yield
    except ClientError as error:
        raise UserError(
            f"{service} refused {error.operation_name} "
            f"({error.response['Error'].get('Message', error)}): "
            "check that what it names exists and what the job's role may do."
        ) from error
    except (BotoCoreError, Boto3Error) as error:
        raise UserError(f"{service} could not be reached: {error}") from error
