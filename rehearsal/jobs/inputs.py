"""Which objects of S3 each host of a job gets.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
"""

from __future__ import annotations

import hashlib
import json
import os.path
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.jobs.failure import JobFailure
from rehearsal.s3_uri import S3Uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


_LONGEST_NAME = 255  # bytes, of Linux's file systems


@dataclass(frozen=True)
class Input:
    """One input of a processing job, or one channel of a training job.

    Attributes:
        folder: absolute path in the container.
        data_type: `S3Prefix` or `ManifestFile`.
        distribution: `FullyReplicated` or `ShardedByS3Key`.
        mode: `File`, copied before the containers start, or `FastFile`, read from S3 as it is used.
    """

    name: str
    uri: str
    folder: str
    data_type: str = "S3Prefix"
    distribution: str = "FullyReplicated"
    mode: str = "File"

    @classmethod
    def of_source(
        cls, name: str, source: Mapping[str, str], folder: str, mode: str = "File"
    ) -> Self:
        """The input that a `ProcessingS3Input` or an `S3DataSource` describes."""
        distribution = source.get("S3DataDistributionType", "FullyReplicated")
        return cls(name, source["S3Uri"], folder, source["S3DataType"], distribution, mode)


@dataclass(frozen=True)
class Object:
    """An object of an input.

    Attributes:
        path: of its file, below the input's folder.
        etag: None for one that a manifest names: no listing had it.
    """

    location: S3Uri
    path: PurePosixPath
    etag: str | None = None


class _NotListed(Exception):  # noqa: N818 - no error where a part may be listed
    def __init__(self, place: S3Uri, error: Exception) -> None:
        super().__init__(f"{place} ({error})")
        self.place = place


def parse_uri(uri: str) -> S3Uri:
    """The address that an S3 URI is.

    Raises:
        JobFailure: it is none.
    """
    try:
        return S3Uri.parse(uri)
    except ValueError as error:
        raise JobFailure(f"ClientError: {error}") from error


def find(wanted: Input, s3: S3Client, role: str, *, required: bool = True) -> list[Object]:
    """All objects of an input, sorted by key.

    Raises:
        JobFailure: there are none and some are `required`, they can't be listed, the manifest is
            not one, or a key can't become a path.
    """
    if wanted.data_type not in ("S3Prefix", "ManifestFile"):
        raise JobFailure(
            f"ClientError: the input {wanted.name} is of the type {wanted.data_type}, which the "
            "rehearsal does not have: use S3Prefix or ManifestFile."
        )
    place = parse_uri(wanted.uri)
    read = _objects_of_prefix if wanted.data_type == "S3Prefix" else _objects_of_manifest
    try:
        objects = list(read(place, s3))
    except (ClientError, BotoCoreError) as error:
        refusal = error.response["Error"] if isinstance(error, ClientError) else {}
        message = refusal.get("Message", str(error))
        raise JobFailure(
            f"ClientError: Data download failed: the input {wanted.name} at {wanted.uri} can't be "
            f'read as the role "{role}": {message}'
        ) from error
    if not objects and required:
        raise JobFailure(
            f'ClientError: Data download failed:No S3 objects found under S3 URL "{wanted.uri}" '
            "given in input data source. Please ensure that the bucket exists in the selected "
            f'region, that objects exist under that S3 prefix, and that the role "{role}" has '
            f'"s3:ListBucket" permissions on bucket "{place.bucket}".'
        )
    return sorted(objects, key=lambda each: each.location.key)


def try_listing(wanted: Input, found: Sequence[Object], s3: S3Client, role: str) -> None:
    """Lists the bucket of a manifest, and those of the objects that it names. SageMaker asks
    `s3:ListBucket` of a job's role on the buckets of its inputs:
    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html

    For which prefix is not documented. It is enough here that the role may list one that all
    objects have, or below it each folder that has some.

    Raises:
        JobFailure: the role may not list one.
    """
    if wanted.data_type != "ManifestFile":
        return
    manifest = parse_uri(wanted.uri)
    keys: dict[str, list[str]] = {}
    for each in found:
        keys.setdefault(each.location.bucket, []).append(each.location.key)
    try:
        _list_one(s3, manifest)
        for bucket, named in keys.items():
            _list_folders(s3, bucket, named)
    except _NotListed as denied:
        raise JobFailure(
            f"ClientError: Data download failed: the role {role} can't list {denied}, which the "
            f"input {wanted.name} is of: give it s3:ListBucket on the bucket {denied.place.bucket}."
        ) from denied


def _list_one(s3: S3Client, place: S3Uri) -> None:
    try:
        s3.list_objects_v2(Bucket=place.bucket, Prefix=place.key, MaxKeys=1)
    except (ClientError, BotoCoreError) as error:
        raise _NotListed(place, error) from error


def _list_folders(s3: S3Client, bucket: str, keys: Sequence[str]) -> None:
    common = os.path.commonprefix(keys)  # noqa: RUF071 - cut at a slash below
    folder = common[: common.rfind("/") + 1]
    try:
        _list_one(s3, S3Uri(bucket, folder))
    except _NotListed:
        below: dict[str, list[str]] = {}
        for key in keys:
            below.setdefault(key[len(folder) :].partition("/")[0], []).append(key)
        if any("/" not in key[len(folder) :] for key in keys):
            raise
        for deeper in below.values():
            _list_folders(s3, bucket, deeper)


def shares(objects: Sequence[Object], distribution: str, hosts: int) -> list[list[Object]]:
    """Each host's objects: all of them, or with `ShardedByS3Key` a share.

    SageMaker promises about 1/n of the objects to each of n hosts, and no order. Here the objects
    are dealt out in the order of their keys' SHA-256: each goes to exactly one host, the shares
    differ by one object at most, and a key's neighbours go elsewhere, so nothing can rely on an
    order that AWS does not promise.
    """
    if distribution != "ShardedByS3Key":
        return [list(objects) for _ in range(hosts)]
    dealt = sorted(objects, key=_digest)
    return [sorted(dealt[host::hosts], key=lambda each: each.location.key) for host in range(hosts)]


def _digest(each: Object) -> bytes:
    return hashlib.sha256(each.location.key.encode("utf-8", "surrogatepass")).digest()


def _objects_of_prefix(place: S3Uri, s3: S3Client) -> Iterator[Object]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.key)
    for page in pages:
        for entry in page.get("Contents", []):
            # What the console makes of "create folder": an empty object that stands for the folder.
            if entry["Key"].endswith("/"):
                continue
            relative = _relative_to_prefix(entry["Key"], place.key)
            found = S3Uri(place.bucket, entry["Key"])
            yield Object(found, _safe_path(relative, str(found)), entry["ETag"])


def _objects_of_manifest(place: S3Uri, s3: S3Client) -> Iterator[Object]:
    body = s3.get_object(Bucket=place.bucket, Key=place.key)["Body"].read()
    prefix, entries = _manifest(body, str(place))
    start = parse_uri(prefix)
    for entry in entries:
        # The prefix and the entry are simply joined, as AWS does: the slash between is the
        # prefix's.
        found = S3Uri(start.bucket, start.key + entry)
        yield Object(found, _safe_path(entry, str(found)))


def _manifest(body: bytes, uri: str) -> tuple[str, list[str]]:
    try:
        value: Any = json.loads(body)
    except ValueError as error:
        raise JobFailure(f"ClientError: the manifest {uri} is no JSON: {error}.") from error
    if not isinstance(value, list) or not value or not _is_prefix(value[0]):
        raise JobFailure(
            f'ClientError: the manifest {uri} must be a JSON list that starts with {{"prefix": '
            '"s3://..."}.'
        )
    entries = value[1:]
    wrong = next((entry for entry in entries if not isinstance(entry, str)), None)
    if wrong is not None:
        raise JobFailure(
            f"ClientError: the manifest {uri} has {json.dumps(wrong)[:80]} where a relative key "
            "belongs: list strings after the prefix."
        )
    if len(set(entries)) != len(entries):
        raise JobFailure(f"ClientError: the manifest {uri} names an object twice: name each once.")
    return value[0]["prefix"], entries


def _is_prefix(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"prefix"} and isinstance(value["prefix"], str)


def _relative_to_prefix(key: str, prefix: str) -> str:
    """The path of `key` below the folder that `prefix` names.

    A prefix need not end at a slash: `data/train` matches `data/train/a` (path `a`) and
    `data/train-1` (path `train-1`).
    """
    folder = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
    if key.startswith(folder):
        return key[len(folder) :]
    return key[prefix.rfind("/") + 1 :]


def _safe_path(relative: str, uri: str) -> PurePosixPath:
    """`relative` as a path that stays below its folder.

    Raises:
        JobFailure: it would not, or no file can have that name; names the object by `uri`.
    """
    parts = relative.split("/")
    if not relative or any(part in ("", ".", "..") for part in parts) or "\0" in relative:
        raise JobFailure(
            f"ClientError: the object {uri} can't become a file, as its key has an empty part, '.' "
            "or '..' in it: give it another key."
        )
    if any(len(part.encode()) > _LONGEST_NAME for part in parts):
        raise JobFailure(
            f"ClientError: the object {uri} can't become a file, as a part of its key has more "
            f"than {_LONGEST_NAME} bytes: give it another key."
        )
    return PurePosixPath(relative)
