"""Every policy of a side: of roles, of resources, trust and keys."""

import json
from collections.abc import Iterator
from typing import Any

from scripts.reviews.names import Names
from scripts.reviews.permissions.permission import Permission
from scripts.reviews.permissions.statements import permissions
from scripts.reviews.plain import Plain
from scripts.reviews.stacks import Resource, Stacks

_IDENTITIES = ("Roles", "Users", "Groups")
# Where a policy of its own type names the resource that it lies on.
_TARGETS = (
    "Bucket",
    "Queues",
    "Topics",
    "RepositoryName",
    "SecretId",
    "EventBusName",
    "PolicyName",
)


def all_permissions(side: Stacks, names: Names, plain: Plain) -> set[Permission]:
    """All that the policies of a side allow and deny."""
    found: set[Permission] = set()
    for resource in side.resources():
        properties = plain.value(resource.unit, dict(resource.properties))
        match resource.type:
            case "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy":
                for holder in _attached(properties):
                    found.update(permissions(properties["PolicyDocument"], holder))
            case "AWS::IAM::Role":
                found.update(_role(properties, role_holder(resource, names)))
            case "AWS::Lambda::Permission":
                found.update(_lambda(properties))
            case _:
                found.update(_on_resource(resource, properties, names))
    return found


def role_holder(resource: Resource, names: Names) -> str:
    """As a reference to the role reads, so that a policy of another stack names the same one."""
    return f"${{{resource.unit}.{names.of(resource.unit, resource.logical_id)}}}"


def _attached(properties: dict[str, Any]) -> Iterator[str]:
    for kind in _IDENTITIES:
        yield from properties.get(kind, [])


def _role(properties: dict[str, Any], holder: str) -> Iterator[Permission]:
    yield from permissions(properties.get("AssumeRolePolicyDocument", {}), "", holder)
    for policy in properties.get("Policies", []):
        yield from permissions(policy["PolicyDocument"], holder)
    for managed in properties.get("ManagedPolicyArns", []):
        yield Permission(holder, "", False, ("managed policy",), str(managed))


def _lambda(properties: dict[str, Any]) -> Iterator[Permission]:
    conditions = {
        key: properties[name]
        for name, key in (("SourceArn", "aws:SourceArn"), ("SourceAccount", "aws:SourceAccount"))
        if name in properties
    }
    principal = str(properties["Principal"])
    is_service = principal.endswith((".amazonaws.com", ".amazonaws.com.cn"))
    statement = {
        "Effect": "Allow",
        "Action": properties["Action"],
        "Principal": {"Service" if is_service else "AWS": principal},
        **({"Condition": {"ArnLike": conditions}} if conditions else {}),
    }
    target = str(properties["FunctionName"]).replace(".Arn}", "}")
    yield from permissions({"Statement": [statement]}, "", target)


def _on_resource(
    resource: Resource, properties: dict[str, Any], names: Names
) -> Iterator[Permission]:
    """Of whatever property is a policy document, also one that is a string of JSON."""
    own = f"${{{resource.unit}.{names.of(resource.unit, resource.logical_id)}}}"
    targets = next(
        (properties[key] for key in _TARGETS if "Policy" in resource.type and key in properties),
        own,
    )
    for value in properties.values():
        document = _document(value)
        for target in targets if isinstance(targets, list) else [targets]:
            if document is not None:
                yield from permissions(document, "", str(target))


def _document(value: Any) -> dict[str, Any] | None:
    if isinstance(value, str) and value.startswith("{") and '"Statement"' in value:
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, dict) and "Statement" in value else None
