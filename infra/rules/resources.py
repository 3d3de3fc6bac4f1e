"""Resources of templates, and what each has to be: encrypted, rotated, with an end."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.assembly import Template
from infra.costs.prices import volume_key
from infra.rules import Finding


@dataclass(frozen=True)
class Resource:
    """One resource of one unit's template.

    Attributes:
        unit: the unit, e.g. `data`.
        logical_id: its name in the template.
    """

    unit: str
    logical_id: str
    type: str
    properties: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """`<unit>/<logical id>`."""
        return f"{self.unit}/{self.logical_id}"


def resources(templates: Mapping[str, Template], *types: str) -> Iterator[Resource]:
    """All of them, or those of some types.

    Args:
        templates: by unit.
    """
    for unit, template in templates.items():
        for logical_id, resource in template["Resources"].items():
            if not types or resource["Type"] in types:
                yield Resource(unit, logical_id, resource["Type"], resource.get("Properties", {}))


def variants(templates: Mapping[str, Template]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(subject, path, properties) of every variant of an `AWS::SageMaker::EndpointConfig`."""
    for configuration in resources(templates, "AWS::SageMaker::EndpointConfig"):
        for member in ("ProductionVariants", "ShadowProductionVariants"):
            for number, variant in enumerate(configuration.properties.get(member, [])):
                yield configuration.subject, f"{member}[{number}]", variant


def as_list(value: Any) -> list[Any]:
    """CloudFormation and IAM take one thing, or a list of them."""
    return value if isinstance(value, list) else [value]


def target(reference: Any) -> str | None:
    """The logical id that a `Ref` or `GetAtt` names."""
    match reference:
        case {"Ref": str() as logical_id}:
            return logical_id
        case {"Fn::GetAtt": [str() as logical_id, str()]}:
            return logical_id
    return None


def encrypted_buckets(templates: Mapping[str, Template]) -> set[str]:
    """Their names as `infra.assembly.plain_text` writes them, in their own stack and in others.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html
    """
    found = set()
    for bucket in resources(templates, "AWS::S3::Bucket"):
        if not bucket.properties.get("BucketEncryption"):
            continue
        found.add(bucket.logical_id)
        for output in templates[bucket.unit].get("Outputs", {}).values():
            if target(output["Value"]) == bucket.logical_id and "Export" in output:
                found.add(output["Export"]["Name"].partition(":")[2])
    return found


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
                "infra/suppressions/tables.py who hears of it",
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
