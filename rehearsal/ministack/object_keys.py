"""KMS keys of S3's objects: what a stack's bucket says, and who may use the key."""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote
from xml.etree.ElementTree import Element, SubElement, tostring

_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
_AWS_MANAGED = "alias/aws/s3"
_CONTEXT = ("kms:ViaService", "s3.{region}.amazonaws.com")

Check = tuple[str, str]
"""An action and the ARN that it is done on."""


def encrypt_buckets() -> None:
    """MiniStack's CloudFormation leaves a bucket's default encryption out, so that objects would
    name no key.
    """
    from ministack.services import s3
    from ministack.services.cloudformation import provisioners

    provisioners._S3_BUCKET_CONFIGURATIONS = (
        *provisioners._S3_BUCKET_CONFIGURATIONS,
        (
            "BucketEncryption",
            _encryption_xml,
            s3._put_bucket_encryption,
            s3._delete_bucket_encryption,
        ),
    )
    its_own = s3._resolve_sse_write_headers

    def resolve(headers: dict[str, str], bucket: str) -> Any:
        # Who asks for KMS and names no key gets AWS's own of the account, as the CDK CLI does.
        if headers.get("x-amz-server-side-encryption") == "aws:kms":
            named = headers.get(_KEY_HEADER) or _AWS_MANAGED
            headers = headers | {_KEY_HEADER: key_arn(named)}
        return its_own(headers, bucket)

    s3._resolve_sse_write_headers = resolve


def key_arn(name: str) -> str:
    """The ARN of a key of the account by its id, alias or ARN: what policies name. That of AWS's
    own, and of a key that is not there, is its name here.
    """
    from ministack.services import kms

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


def ask_for_keys() -> None:
    """With IAM enforced, who reads an object that a key encrypts needs `kms:Decrypt` on the key,
    and who writes one `kms:GenerateDataKey`, through S3; the key's policy counts, too.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """
    from ministack.core import iam_actions, iam_evaluator
    from ministack.core.responses import get_region

    its_checks = iam_actions.s3_additional_checks
    its_resources = iam_actions.s3_access_point_resources
    its_enforce = iam_evaluator.enforce

    def checks(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> list[Check]:
        return [
            *its_checks(method, path, headers, body, query),
            *_of_keys(method, path, headers, query),
            *_of_source(headers),
        ]

    def resources(arn: str) -> list[tuple[str, dict[str, str]]]:
        if arn.startswith("arn:aws:kms:"):
            name, value = _CONTEXT
            return [(arn, {name: value.format(region=get_region())})]
        found: list[tuple[str, dict[str, str]]] = its_resources(arn)
        return found

    def enforce(access_key: str, action: str, service: str, *rest: Any, **named: Any) -> Any:
        # So that the key's own policy is looked at, and not a bucket's.
        return its_enforce(
            access_key, action, "kms" if action.startswith("kms:") else service, *rest, **named
        )

    iam_actions.s3_additional_checks = checks
    iam_actions.s3_access_point_resources = resources
    iam_evaluator.enforce = enforce


def _of_keys(
    method: str, path: str, headers: dict[str, str], query: dict[str, Any]
) -> Iterator[Check]:
    from ministack.core import iam_actions

    bucket, _, key = path.lstrip("/").partition("/")
    done = iam_actions._s3_action(method, path, query)
    if key and method == "GET" and done in ("GetObject", "GetObjectVersion"):
        arn, needed = _stored(bucket, unquote(key), _value(query, "versionId")), "kms:Decrypt"
    elif key and done == "PutObject":
        arn = _named(headers, _value(query, "uploadId")) or _default(bucket)
        needed = "kms:GenerateDataKey"
    else:
        return
    # Who may use S3 may use the key that AWS manages for it.
    if arn and arn != _AWS_MANAGED:
        yield needed, key_arn(arn)


def _of_source(headers: dict[str, str]) -> Iterator[Check]:
    """CopyObject and UploadPartCopy read their source."""
    from ministack.core import iam_actions

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
    from ministack.services import s3

    if version:
        versions = s3._object_versions.get((bucket, key), [])
        asked = [each for each in versions if each["version_id"] == version]
        found = s3._object_record_from_version(asked[0]) if asked else {}
    else:
        found = (s3._buckets.get(bucket) or {}).get("objects", {}).get(key) or {}
    stored: str | None = (found.get("preserved_headers") or {}).get(_KEY_HEADER)
    return stored


def _named(headers: dict[str, str], upload: str | None) -> str | None:
    """The key of the request or, for a part, of the request that began the upload."""
    from ministack.services import s3

    if upload:
        begun = s3._multipart_uploads.get(upload) or {}
        named: str | None = (begun.get("preserved_headers") or {}).get(_KEY_HEADER)
        return named
    return headers.get(_KEY_HEADER)


def _default(bucket: str) -> str | None:
    from ministack.services import s3

    found: str | None = s3._bucket_default_sse_headers(bucket).get(_KEY_HEADER)
    return found
