"""S3's objects: KMS keys, who may use them, where they lie, a full disk, and names in listings."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring
from xml.sax.saxutils import escape, unescape

from ministack.core import iam_actions
from ministack.core.responses import get_region
from ministack.services import kms, s3

from rehearsal.ministack.loop import Answer, Handler
from rehearsal.stored_file import CONTENT_TYPE, HEADER, StoredFile

# What SQLite, the logs and MiniStack's own state still need.
_RESERVE_BYTES = 64 * 2**20

_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
_AWS_MANAGED = "alias/aws/s3"
_WRITES = ("PUT", "POST")
# In XML's text there is no "<".
_WITH_KEYS = re.compile(r"<(Key|Prefix|Delimiter|KeyMarker|NextKeyMarker)>([^<]+)</\1>")

ActionOnArn = tuple[str, str]
CheckedResource = tuple[str, dict[str, str]]
"""An ARN, and condition keys with their values."""


async def refuse_on_full_disk(
    state: Path,
    old: Handler,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query: dict[str, Any],
) -> Answer:
    """S3 answers each write with one sentence while the disk of `state` is nearly full: MiniStack
    would go on from memory and lose the objects at its next stop.
    """
    if method not in _WRITES or shutil.disk_usage(state).free >= _RESERVE_BYTES + len(body):
        return await old(method, path, headers, body, query)
    message = escape(
        f"The disk that holds {state} has less than {_RESERVE_BYTES // 2**20} MiB free: make room "
        "and try again."
    )
    error = f"<Error><Code>DiskFull</Code><Message>{message}</Message></Error>"
    # 400, as a retry would not help.
    return 400, {"Content-Type": "application/xml"}, error.encode()


async def tell_stored_file(
    old: Handler,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query: dict[str, Any],
) -> Answer:
    """GetObject that asks for a `StoredFile` is answered with one, by the rules of any other: who
    may not read the object, or asks for another ETag than it has, gets the same refusal.
    """
    if method != "GET" or _value(query, "response-content-type") != CONTENT_TYPE:
        return await old(method, path, headers, body, query)
    query = {name: value for name, value in query.items() if name != "response-content-type"}
    bucket, _, key = path.lstrip("/").partition("/")
    file = Path(s3._object_disk_path(bucket, key) or "")
    # Before the ETag is compared: a file that took this one's place since has another number.
    inode = file.stat().st_ino if file.is_file() else 0
    status, answered, _ = await old("HEAD", path, headers, b"", query)
    if status != 200 or not inode or _is_archived(answered):
        return await old(method, path, headers, body, query)
    told = {HEADER: StoredFile(str(file), inode).written()}
    return 200, told | {"Content-Type": CONTENT_TYPE, "ETag": answered["ETag"]}, b""


def _is_archived(headers: dict[str, str]) -> bool:
    """Whether an object can't be read until it is restored."""
    is_there = 'ongoing-request="false"' in headers.get("x-amz-restore", "")
    return headers.get("x-amz-storage-class") in s3._ARCHIVE_STORAGE_CLASSES and not is_there


def list_object_versions(
    old: Callable[[str, dict[str, Any]], Answer], bucket: str, query: dict[str, Any]
) -> Answer:
    """With EncodingType=url, which MiniStack leaves out: a key with a control character would make
    an answer that is no XML.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
    """
    status, headers, body = old(bucket, query)
    if status == 200 and s3._qp(query, "encoding-type", "") == "url":
        body = _WITH_KEYS.sub(_url_encoded, body.decode()).encode()
        body = body.replace(b"<IsTruncated>", b"<EncodingType>url</EncodingType><IsTruncated>")
    return status, headers, body


def _url_encoded(match: re.Match[str]) -> str:
    return f"<{match[1]}>{quote(unescape(match[2]), safe='/')}</{match[1]}>"


def bucket_configurations(old: tuple[Any, ...]) -> tuple[Any, ...]:
    """With a bucket's default encryption, which MiniStack's CloudFormation leaves out, so that
    objects would name no key.
    """
    return (
        *old,
        (
            "BucketEncryption",
            _encryption_xml,
            s3._put_bucket_encryption,
            s3._delete_bucket_encryption,
        ),
    )


def resolve_sse_write_headers(
    old: Callable[[dict[str, str], str], Any], headers: dict[str, str], bucket: str
) -> Any:
    """Who asks for KMS and names no key gets AWS's own of the account, as the CDK CLI does."""
    if headers.get("x-amz-server-side-encryption") == "aws:kms":
        named = headers.get(_KEY_HEADER) or _AWS_MANAGED
        headers = headers | {_KEY_HEADER: key_arn(named)}
    return old(headers, bucket)


def key_arn(name: str) -> str:
    """The ARN of a key of the account by its id, alias or ARN: what policies name. That of AWS's
    own, and of a key that is not there, is its name here.
    """
    found = kms._resolve_key(name)
    return str(found["Arn"]) if found else name


def _encryption_xml(properties: dict[str, Any]) -> bytes:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionConfiguration.html"""
    root = Element("ServerSideEncryptionConfiguration")
    for given in properties["ServerSideEncryptionConfiguration"]:
        rule = SubElement(root, "Rule")
        by_default = SubElement(rule, "ApplyServerSideEncryptionByDefault")
        for name, value in given.get("ServerSideEncryptionByDefault", {}).items():
            SubElement(by_default, name).text = value
        bucket_key = str(given.get("BucketKeyEnabled", False)).lower()
        SubElement(rule, "BucketKeyEnabled").text = bucket_key
    return tostring(root)


def additional_checks(
    old: Callable[..., list[ActionOnArn]],
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query: dict[str, Any],
) -> list[ActionOnArn]:
    """Who reads an object that a key encrypts needs `kms:Decrypt` on the key, and who writes one
    `kms:GenerateDataKey`, through S3; the key's policy counts, too.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """
    return [
        *old(method, path, headers, body, query),
        *_on_keys(method, path, headers, query),
        *_on_source(headers),
    ]


def checked_resources(
    old: Callable[[str], list[CheckedResource]], arn: str
) -> list[CheckedResource]:
    """A key that S3 uses is checked with the condition key that says so."""
    if arn.startswith("arn:aws:kms:"):
        return [(arn, {"kms:ViaService": f"s3.{get_region()}.amazonaws.com"})]
    return old(arn)


def enforce_key_policies(
    old: Callable[..., Any], access_key: str, action: str, service: str, *rest: Any, **named: Any
) -> Any:
    """A key's own policy is looked at, and not a bucket's."""
    service = "kms" if action.startswith("kms:") else service
    return old(access_key, action, service, *rest, **named)


def _on_keys(
    method: str, path: str, headers: dict[str, str], query: dict[str, Any]
) -> Iterator[ActionOnArn]:
    bucket, _, key = path.lstrip("/").partition("/")
    done = iam_actions._s3_action(method, path, query)
    if key and method == "GET" and done in ("GetObject", "GetObjectVersion"):
        arn, needed = _stored(bucket, key, _value(query, "versionId")), "kms:Decrypt"
    elif key and done == "PutObject":
        arn = _named(headers, _value(query, "uploadId")) or _default(bucket)
        needed = "kms:GenerateDataKey"
    else:
        return
    # Who may use S3 may use the key that AWS manages for it.
    if arn and arn != _AWS_MANAGED:
        yield needed, key_arn(arn)


def _on_source(headers: dict[str, str]) -> Iterator[ActionOnArn]:
    """CopyObject and UploadPartCopy read their source."""
    source = iam_actions._s3_source_object(headers)
    if source is not None:
        bucket, _, key = source[0].removeprefix("arn:aws:s3:::").partition("/")
        arn = _stored(bucket, key, source[1] or None)
        if arn and arn != _AWS_MANAGED:
            yield "kms:Decrypt", key_arn(arn)


def _value(query: dict[str, Any], name: str) -> str | None:
    value = query.get(name)
    return value[0] if isinstance(value, list) else value


def _stored(bucket: str, key: str, version: str | None) -> str | None:
    """The key of an object, or of the version that is asked for."""
    if version:
        versions = s3._object_versions.get((bucket, key), [])
        matching = [each for each in versions if each["version_id"] == version]
        found = s3._object_record_from_version(matching[0]) if matching else {}
    else:
        found = (s3._buckets.get(bucket) or {}).get("objects", {}).get(key) or {}
    stored: str | None = (found.get("preserved_headers") or {}).get(_KEY_HEADER)
    return stored


def _named(headers: dict[str, str], upload: str | None) -> str | None:
    """The key of the request or, for a part, of the request that began the upload."""
    if upload:
        begun = s3._multipart_uploads.get(upload) or {}
        named: str | None = (begun.get("preserved_headers") or {}).get(_KEY_HEADER)
        return named
    return headers.get(_KEY_HEADER)


def _default(bucket: str) -> str | None:
    found: str | None = s3._bucket_default_sse_headers(bucket).get(_KEY_HEADER)
    return found
