"""`AWS::Events::EventBusPolicy`, which MiniStack has in its API and not in its CloudFormation."""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import json
from typing import Any

from rehearsal.ministack.resource_types import Made

_TYPE = "AWS::Events::EventBusPolicy"


def keep_event_bus_policies() -> None:
    """A stack's statement stands in its bus's policy; there is one account here, and nobody asks.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-eventbuspolicy.html
    """
    from ministack.services import eventbridge
    from ministack.services.cloudformation import provisioners

    def put(properties: dict[str, Any]) -> Made:
        named = _named(properties)
        statement = properties.get("Statement") or properties
        if isinstance(statement, str):
            statement = json.loads(statement)
        given = {
            key: statement[key] for key in ("Action", "Principal", "Condition") if key in statement
        }
        eventbridge._put_permission(named | given)
        return f"{named['EventBusName']}|{named['StatementId']}", {}

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Made:
        return put(properties)

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> Made:
        eventbridge._remove_permission(_named(old))
        return put(new)

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        eventbridge._remove_permission(_named(properties))

    provisioners._RESOURCE_HANDLERS[_TYPE] = {"create": create, "update": update, "delete": delete}


def _named(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "EventBusName": properties.get("EventBusName") or "default",
        "StatementId": properties["StatementId"],
    }
