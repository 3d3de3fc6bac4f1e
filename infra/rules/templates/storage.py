"""What keeps data encrypts it, and what keeps logs forgets them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from infra.assembly import Template
from infra.rules.finding import Finding
from infra.rules.templates.resources import Resource, resources
from infra.volumes import volume_key

Properties = Mapping[str, Any]


def _of_endpoint(properties: Properties) -> bool:
    types = [
        variant.get("InstanceType")
        for members in ("ProductionVariants", "ShadowProductionVariants")
        for variant in properties.get(members, [])
    ]
    takes_key = any(isinstance(t, str) and volume_key(t, "key") for t in types)
    return bool(properties.get("KmsKeyId")) or not takes_key


_ENCRYPTED: Mapping[str, tuple[str, Callable[[Properties], bool]]] = {
    "AWS::S3::Bucket": ("BucketEncryption", lambda p: bool(p.get("BucketEncryption"))),
    "AWS::SQS::Queue": (
        "SqsManagedSseEnabled",
        lambda p: bool(p.get("KmsMasterKeyId")) or p.get("SqsManagedSseEnabled") is True,
    ),
    "AWS::SNS::Topic": ("KmsMasterKeyId", lambda p: bool(p.get("KmsMasterKeyId"))),
    "AWS::DynamoDB::Table": (
        "SSESpecification",
        lambda p: p.get("SSESpecification", {}).get("SSEEnabled") is True,
    ),
    "AWS::SageMaker::EndpointConfig": ("KmsKeyId", _of_endpoint),
    "AWS::EC2::Volume": ("Encrypted", lambda p: p.get("Encrypted") is True),
    "AWS::EFS::FileSystem": ("Encrypted", lambda p: p.get("Encrypted") is True),
}


def encrypted(templates: Mapping[str, Template]) -> Iterator[Finding]:
    """Every bucket, queue, topic, table and volume says with what it encrypts."""
    for resource in resources(templates, *_ENCRYPTED):
        path, is_encrypted = _ENCRYPTED[resource.type]
        if not is_encrypted(resource.properties):
            yield _finding(resource, "encrypted", path, "nothing is said of encryption: set it")


def logs_end(templates: Mapping[str, Template]) -> Iterator[Finding]:
    """Every log group forgets after some days."""
    for group in resources(templates, "AWS::Logs::LogGroup"):
        if not group.properties.get("RetentionInDays"):
            wrong = "log events are kept for ever: set how many days"
            yield _finding(group, "log-retention", "RetentionInDays", wrong)


def keys_rotate(templates: Mapping[str, Template]) -> Iterator[Finding]:
    """KMS makes new key material every year."""
    for key in resources(templates, "AWS::KMS::Key"):
        if key.properties.get("EnableKeyRotation") is not True:
            wrong = "the key is never rotated: set it to true"
            yield _finding(key, "key-rotation", "EnableKeyRotation", wrong)


def _finding(resource: Resource, rule: str, path: str, wrong: str) -> Finding:
    return Finding(resource.subject, rule, path, wrong)
