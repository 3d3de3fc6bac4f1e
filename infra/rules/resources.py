"""Resources of an environment's templates, one after another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.assembly import Template


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
