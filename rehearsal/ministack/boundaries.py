"""Permissions boundaries of a stack's roles, which MiniStack's CloudFormation leaves out."""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

from typing import Any

from rehearsal.ministack.resource_types import Made

_TYPE = "AWS::IAM::Role"


def bound_roles() -> None:
    """A role keeps the boundary of its template; one that names a policy that is not there is
    refused, as by IAM. MiniStack's enforcement heeds what the role keeps.
    """
    from ministack.services import iam
    from ministack.services.cloudformation import provisioners

    its_own = provisioners._RESOURCE_HANDLERS[_TYPE]

    def bound(made: Made, properties: dict[str, Any]) -> Made:
        name, attributes = made
        boundary = properties.get("PermissionsBoundary")
        if boundary is None:
            iam._roles[name].pop("PermissionsBoundary", None)
        else:
            iam._roles[name]["PermissionsBoundary"] = boundary
        return name, attributes

    def check(properties: dict[str, Any]) -> None:
        boundary = properties.get("PermissionsBoundary")
        if boundary is not None and boundary not in iam._policies:
            raise ValueError(
                f"Scope ARN: {boundary} does not exist or is not attachable. (Service: Iam, "
                "Status Code: 404, Error Code: NoSuchEntity)"
            )

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Made:
        check(properties)
        return bound(its_own["create"](logical_id, properties, stack), properties)

    def update(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any, **named: Any
    ) -> Made:
        check(new)
        return bound(its_own["update"](physical_id, old, new, *rest, **named), new)

    provisioners._RESOURCE_HANDLERS[_TYPE] = its_own | {"create": create, "update": update}
