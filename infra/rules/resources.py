"""Resources of templates, and what each has to be: encrypted, rotated, with an end."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.assembly import Template
from infra.costs.prices import volume_key
from infra.rules import Finding, Problems

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Resource:
    """One resource of one unit's template."""

    unit: str
    logical_id: str
    type: str
    properties: Properties

    @property
    def subject(self) -> str:
        """`<unit>/<logical id>`."""
        return f"{self.unit}/{self.logical_id}"


def resources(templates: Mapping[str, Template], *types: str) -> Iterator[Resource]:
    """All of them, or those of some types, of templates by unit."""
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


@dataclass(frozen=True)
class Requirement:
    """What each resource of a type has to have, and what is wrong without it, as a `Finding`."""

    rule: str
    path: str
    is_met: Callable[[Properties], bool]
    wrong: str


def _endpoint_is_encrypted(properties: Properties) -> bool:
    types = [
        variant.get("InstanceType")
        for members in ("ProductionVariants", "ShadowProductionVariants")
        for variant in properties.get(members, [])
    ]
    takes_key = any(isinstance(t, str) and volume_key(t, "key") for t in types)
    return bool(properties.get("KmsKeyId")) or not takes_key


def _is_set(name: str) -> Callable[[Properties], bool]:
    return lambda properties: bool(properties.get(name))


def _is_true(name: str) -> Callable[[Properties], bool]:
    return lambda properties: properties.get(name) is True


def _encrypted(path: str, is_met: Callable[[Properties], bool]) -> Requirement:
    return Requirement("encrypted", path, is_met, "there is no encryption: set it")


_REQUIREMENTS: Mapping[str, Requirement] = {
    "AWS::S3::Bucket": _encrypted("BucketEncryption", _is_set("BucketEncryption")),
    "AWS::SQS::Queue": _encrypted(
        "SqsManagedSseEnabled",
        lambda p: bool(p.get("KmsMasterKeyId")) or p.get("SqsManagedSseEnabled") is True,
    ),
    "AWS::SNS::Topic": _encrypted("KmsMasterKeyId", _is_set("KmsMasterKeyId")),
    "AWS::DynamoDB::Table": _encrypted(
        "SSESpecification", lambda p: p.get("SSESpecification", {}).get("SSEEnabled") is True
    ),
    "AWS::SageMaker::EndpointConfig": _encrypted("KmsKeyId", _endpoint_is_encrypted),
    "AWS::EC2::Volume": _encrypted("Encrypted", _is_true("Encrypted")),
    "AWS::EFS::FileSystem": _encrypted("Encrypted", _is_true("Encrypted")),
    "AWS::Logs::LogGroup": Requirement(
        "log-retention",
        "RetentionInDays",
        _is_set("RetentionInDays"),
        "log events are kept forever: set how many days",
    ),
    "AWS::KMS::Key": Requirement(
        "key-rotation",
        "EnableKeyRotation",
        _is_true("EnableKeyRotation"),
        "the key is never rotated: set it to true",
    ),
    # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    "AWS::Lambda::Function": Requirement(
        "dead-letters",
        "DeadLetterConfig",
        _is_set("DeadLetterConfig"),
        "what the function fails on is lost: give it a dead-letter queue, or say in "
        "infra/suppressions/tables.py who hears of it",
    ),
}


def unmet_requirements(resource: Resource) -> Iterator[Finding]:
    """Of its type: that it encrypts, rotates, forgets, or keeps what failed."""
    required = _REQUIREMENTS.get(resource.type)
    if required and not required.is_met(resource.properties):
        yield Finding(resource.subject, required.rule, required.path, required.wrong)


def lost_events(resource: Resource) -> Problems:
    """Targets of a rule without a dead-letter queue for what can't be delivered.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """
    if resource.type == "AWS::Events::Rule":
        for number, target in enumerate(resource.properties.get("Targets", [])):
            if not target.get("DeadLetterConfig"):
                yield (
                    f"Targets[{number}].DeadLetterConfig",
                    "an event that can't be delivered is lost: give the target a dead-letter queue",
                )
