"""Our resource types in MiniStack's CloudFormation."""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from rehearsal.cloudformation import Provisioned, ResourceType
from rehearsal.errors import ApiError

_log = logging.getLogger(__name__)
_LONGEST_NAME = 63

Made = tuple[str, dict[str, Any]]
"""A physical id and attributes."""


def add_resource_types(types: list[ResourceType], recorded_only: tuple[str, ...]) -> None:
    """Registers CloudFormation types; those that MiniStack has itself stay its own."""
    from ministack.services.cloudformation import provisioners, stacks

    for made in types:
        provisioners._RESOURCE_HANDLERS[made.type_name] = _handlers(made)
        provisioners._REPLACING_PROPERTIES[made.type_name] = made.replacing
        if made.takes_tags:
            provisioners._STACK_TAG_PROPERTY[made.type_name] = ("Tags", "list")
        provisioners._CUSTOM_NAME_REPLACEMENT[made.type_name] = {"name": made.name_property}
    for type_name in recorded_only:
        if type_name not in provisioners._RESOURCE_HANDLERS:
            provisioners._RESOURCE_HANDLERS[type_name] = recording(type_name, "Name")

    blocking = {made.type_name for made in types}
    its_own = stacks._runs_on_worker_thread

    def runs_on_worker_thread(resource_type: str) -> bool:
        return resource_type in blocking or its_own(resource_type)

    # Our types call back into this server and wait: on its loop they would wait for ever.
    stacks._runs_on_worker_thread = runs_on_worker_thread


def _handlers(made: ResourceType) -> dict[str, Any]:
    from ministack.services.cloudformation.provisioners import _physical_name

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Made:
        generated = _physical_name(stack, logical_id, max_len=_LONGEST_NAME)
        name = str(properties.get(made.name_property) or generated)
        return _do(made.service, lambda: made.create(name, properties))

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> Made:
        return _do(made.service, lambda: made.update(physical_id, old, new))

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        try:
            made.delete(physical_id)
        except ApiError as error:
            raise ValueError(_reason(made.service, error)) from error

    return {"create": create, "update": update, "delete": delete}


def _do(service: str, work: Callable[[], Provisioned]) -> Made:
    try:
        made = work()
    except ApiError as error:
        raise ValueError(_reason(service, error)) from error
    return made.physical_id, made.attributes


def _reason(service: str, error: ApiError) -> str:
    # As CloudFormation words it in a stack's events.
    return (
        f"{error.message} (Service: {service}, Status Code: {error.status}, "
        f"Error Code: {error.code})"
    )


def recording(type_name: str, name_property: str) -> dict[str, Any]:
    from ministack.services.cloudformation.provisioners import _physical_name

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Made:
        _log.warning("%s %s of %s is recorded only: it does nothing", type_name, logical_id, stack)
        name = str(properties.get(name_property) or _physical_name(stack, logical_id))
        return name, {"Arn": _arn(type_name, name)}

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> Made:
        return physical_id, {"Arn": _arn(type_name, physical_id)}

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        return None

    return {"create": create, "update": update, "delete": delete}


def _arn(type_name: str, name: str) -> str:
    from ministack.core.responses import get_account_id, get_region

    _, service, kind = type_name.lower().split("::")
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{kind}:{name}"
