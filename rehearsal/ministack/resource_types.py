"""Our resource types in MiniStack's CloudFormation."""

import logging
from collections.abc import Callable, Container
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation.provisioners import _physical_name

from rehearsal.cloudformation import Provisioned, ResourceType
from rehearsal.errors import ApiError

_log = logging.getLogger(__name__)
_LONGEST_NAME = 63

Named = tuple[str, dict[str, Any]]
"""A physical id and attributes."""


def runs_on_worker_thread(
    ours: Container[str], old: Callable[[str], bool], resource_type: str
) -> bool:
    """Our types call back into this server and wait: on its loop they would wait for ever."""
    return resource_type in ours or old(resource_type)


def handlers(of_type: ResourceType) -> dict[str, Any]:
    """A type of ours as MiniStack calls it."""

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Named:
        generated = _physical_name(stack, logical_id, max_len=_LONGEST_NAME)
        name = str(properties.get(of_type.name_property) or generated)
        return _provision(of_type.service, lambda: of_type.create(name, properties))

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> Named:
        return _provision(of_type.service, lambda: of_type.update(physical_id, old, new))

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        try:
            of_type.delete(physical_id)
        except ApiError as error:
            raise ValueError(_reason(of_type.service, error)) from error

    return {"create": create, "update": update, "delete": delete}


def _provision(service: str, work: Callable[[], Provisioned]) -> Named:
    try:
        resource = work()
    except ApiError as error:
        raise ValueError(_reason(service, error)) from error
    return resource.physical_id, resource.attributes


def _reason(service: str, error: ApiError) -> str:
    # As CloudFormation words it in a stack's events.
    return (
        f"{error.message} (Service: {service}, Status Code: {error.status}, "
        f"Error Code: {error.code})"
    )


def recording(type_name: str) -> dict[str, Any]:
    """A type that is recorded only: it does nothing."""

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Named:
        _log.warning("%s %s of %s is recorded only: it does nothing", type_name, logical_id, stack)
        name = str(properties.get("Name") or _physical_name(stack, logical_id))
        return name, {"Arn": _arn(type_name, name)}

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> Named:
        return physical_id, {"Arn": _arn(type_name, physical_id)}

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        return None

    return {"create": create, "update": update, "delete": delete}


def _arn(type_name: str, name: str) -> str:
    _, service, kind = type_name.lower().split("::")
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{kind}:{name}"
