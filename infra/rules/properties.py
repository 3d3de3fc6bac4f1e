"""What a single resource has to be: encrypted, rotated, with an end, with no secret in it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from infra.assembly import Template
from infra.rules import Finding
from infra.rules.resources import Resource, resources
from infra.rules.secrets import check_secrets
from infra.volumes import volume_key

Properties = Mapping[str, Any]


def _endpoint_is_encrypted(properties: Properties) -> bool:
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
    "AWS::SageMaker::EndpointConfig": ("KmsKeyId", _endpoint_is_encrypted),
    "AWS::EC2::Volume": ("Encrypted", lambda p: p.get("Encrypted") is True),
    "AWS::EFS::FileSystem": ("Encrypted", lambda p: p.get("Encrypted") is True),
}


def encrypted(templates: Mapping[str, Template]) -> Iterator[Finding]:
    """Every bucket, queue, topic, table and volume says with what it encrypts."""
    for resource in resources(templates, *_ENCRYPTED):
        path, is_encrypted = _ENCRYPTED[resource.type]
        if not is_encrypted(resource.properties):
            yield _finding(resource, "encrypted", path, "there is no encryption: set it")


def logs_end(templates: Mapping[str, Template]) -> Iterator[Finding]:
    """Every log group forgets after some days."""
    for group in resources(templates, "AWS::Logs::LogGroup"):
        if not group.properties.get("RetentionInDays"):
            wrong = "log events are kept forever: set how many days"
            yield _finding(group, "log-retention", "RetentionInDays", wrong)


def keys_rotate(templates: Mapping[str, Template]) -> Iterator[Finding]:
    """KMS makes new key material every year."""
    for key in resources(templates, "AWS::KMS::Key"):
        if key.properties.get("EnableKeyRotation") is not True:
            wrong = "the key is never rotated: set it to true"
            yield _finding(key, "key-rotation", "EnableKeyRotation", wrong)


def _finding(resource: Resource, rule: str, path: str, wrong: str) -> Finding:
    return Finding(resource.subject, rule, path, wrong)


def functions_keep_failures(templates: Mapping[str, Template]) -> Iterator[Finding]:
    """Every function has a dead-letter queue, or a destination of what it failed on.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    for function in resources(templates, "AWS::Lambda::Function"):
        if not function.properties.get("DeadLetterConfig"):
            yield Finding(
                function.subject,
                "dead-letters",
                "DeadLetterConfig",
                "what the function fails on is lost: give it a dead-letter queue, or say in "
                "infra/suppressions/rules.py who hears of it",
            )


def targets_keep_failures(templates: Mapping[str, Template]) -> Iterator[Finding]:
    """Every target of a rule has a dead-letter queue for what can't be delivered.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """
    for rule in resources(templates, "AWS::Events::Rule"):
        for number, target in enumerate(rule.properties.get("Targets", [])):
            if not target.get("DeadLetterConfig"):
                yield Finding(
                    rule.subject,
                    "dead-letters",
                    f"Targets[{number}].DeadLetterConfig",
                    "an event that can't be delivered is lost: give the target a dead-letter queue",
                )


_READABLE = {
    "AWS::Lambda::Function": "Environment",
    "AWS::SSM::Parameter": "Value",
    "AWS::SageMaker::Model": "PrimaryContainer",
    "AWS::CloudFormation::Stack": "Parameters",
}


def no_secrets(templates: Mapping[str, Template]) -> Iterator[Finding]:
    """Environments, parameters and outputs hold none."""
    for resource in resources(templates, *_READABLE):
        member = _READABLE[resource.type]
        yield from check_secrets(resource.subject, resource.properties.get(member), member)
    for unit, template in templates.items():
        for section in ("Outputs", "Parameters"):
            yield from check_secrets(unit, template.get(section), section)
