"""Drops in S3: which there are, and how one is written, its marker last."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from containers.drops.names import refusal_of_drop_id
from infra.names import DROPS, MARKER
from scripts.console import CommandError, explain, shown
from scripts.images.contents import ImageFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

THREADS = 8


def s3_client(session: boto3.Session) -> "S3Client":
    """A client for uploads in parallel."""
    config = Config(
        max_pool_connections=THREADS, retries={"mode": "standard", "total_max_attempts": 10}
    )
    return session.client("s3", config=config)


def new_drop_id(images: Sequence[ImageFile], now: datetime) -> str:
    """The time in UTC, so that drops sort, and the start of a digest of the contents."""
    return f"{now:%Y%m%dT%H%M%SZ}-{hashlib.sha256(marker(images)).hexdigest()[:8]}"


def check_drop_id(drop_id: str) -> None:
    """Refuses an id that would not be safe in keys and parameters.

    Raises:
        CommandError: why it is not.
    """
    if reason := refusal_of_drop_id(drop_id):
        raise CommandError(reason)


def marker(images: Sequence[ImageFile]) -> bytes:
    """The marker's JSON index (docs/contracts/index.schema.json)."""
    files = [
        {"name": image.name, "size": image.size, "sha256": image.sha256}
        for image in sorted(images, key=lambda image: image.name)
    ]
    return json.dumps({"schema": 1, "files": files}, ensure_ascii=False).encode()


def complete_drops(s3: "S3Client", bucket: str) -> Iterator[str]:
    """The ids of the drops that have their marker."""
    return (drop_id for drop_id in drop_ids(s3, bucket) if is_complete(s3, bucket, drop_id))


def drop_ids(s3: "S3Client", bucket: str) -> Iterator[str]:
    """The ids of all drops, complete or not."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=DROPS, Delimiter="/")
    for prefix in pages.search("CommonPrefixes[].Prefix || `[]`"):
        yield prefix.removeprefix(DROPS).rstrip("/")


def is_complete(s3: "S3Client", bucket: str, drop_id: str) -> bool:
    """Whether a drop has its marker."""
    try:
        s3.head_object(Bucket=bucket, Key=f"{DROPS}{drop_id}/{MARKER}")
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchKey", "NotFound"}:
            return False
        raise
    return True


def check_free(s3: "S3Client", bucket: str, drop_id: str, images: Sequence[ImageFile]) -> None:
    """Raises CommandError where the drop is complete, or holds objects of another folder."""
    if is_complete(s3, bucket, drop_id):
        raise CommandError(
            f"The drop {drop_id} is complete already and does not change any more: "
            "choose another --id."
        )
    names = {image.name for image in images}
    start = f"{DROPS}{drop_id}/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=start)
    for key in pages.search("Contents[].Key || `[]`"):
        if (name := key.removeprefix(start)) not in names:
            raise CommandError(
                f"The unfinished drop {drop_id} holds {shown(name)!r}, which this folder does "
                "not have: choose another --id."
            )


def upload(
    s3: "S3Client",
    bucket: str,
    drop_id: str,
    images: Sequence[ImageFile],
    done: Callable[[], None],
) -> None:
    """Uploads the images, several at once, then the marker; calls `done` after each image.

    S3 checks each body against the digest that was read before: a file that changed meanwhile is
    refused.

    Raises:
        CommandError: an upload failed.
        KeyboardInterrupt: with a sentence; either way there is no marker.
    """
    unfinished = (
        f"the drop {drop_id} has no marker, so that nothing uses it: "
        f"run the command again with --id {drop_id} to finish it."
    )
    try:
        _upload(s3, bucket, drop_id, images, done)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"Interrupted: {unfinished}") from None
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"{explain(error).rstrip('.')}; {unfinished}") from error
    except OSError as error:
        raise CommandError(
            f"{shown(error.filename)} cannot be read now ({error.strerror}); {unfinished}"
        ) from error


def _upload(
    s3: "S3Client",
    bucket: str,
    drop_id: str,
    images: Sequence[ImageFile],
    done: Callable[[], None],
) -> None:
    def put(name: str, body: bytes, content_type: str, sha256: bytes) -> None:
        s3.put_object(
            Bucket=bucket,
            Key=f"{DROPS}{drop_id}/{name}",
            Body=body,
            ContentType=content_type,
            ChecksumSHA256=base64.b64encode(sha256).decode(),
        )

    def put_image(image: ImageFile) -> None:
        digest = bytes.fromhex(image.sha256)
        put(image.name, image.path.read_bytes(), image.content_type, digest)

    pool = ThreadPoolExecutor(THREADS)
    try:
        for uploaded in as_completed([pool.submit(put_image, image) for image in images]):
            uploaded.result()
            done()
    finally:
        pool.shutdown(cancel_futures=True)
    body = marker(images)
    put(MARKER, body, "application/json", hashlib.sha256(body).digest())
