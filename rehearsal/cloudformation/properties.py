"""From a template's properties to a request of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from rehearsal import service_model
from rehearsal.backends import Call
from rehearsal.cloudformation.resource import Properties
from rehearsal.errors import validation

_READERS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": lambda text: {"true": True, "false": False}[text.lower()],
}


def request(operation: str, type_name: str, properties: Properties) -> dict[str, Any]:
    """The properties as a request, texts made the numbers and booleans that the API wants: a
    template's parameters are all text.

    Raises:
        ApiError: ValidationException, the operation has no such member.
    """
    return request_of(service_model.operation(operation), type_name, properties)


def request_of(operation: OperationModel, type_name: str, properties: Properties) -> dict[str, Any]:
    """The same for any AWS service's operation.

    Raises:
        ApiError: as `request`.
    """
    shape = operation.input_shape
    assert isinstance(shape, StructureShape)  # noqa: S101 - a programming error, no input
    unknown = sorted(properties.keys() - shape.members.keys())
    if unknown:
        raise validation(f"{type_name} has no property {', '.join(unknown)} in the rehearsal.")
    converted: dict[str, Any] = _convert(shape, properties)
    return converted


def _convert(shape: Shape | None, value: Any) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {key: _convert(shape.members.get(key), item) for key, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_convert(shape.member, item) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: _convert(shape.value, item) for key, item in value.items()}
    return _scalar(shape.type_name, value) if shape is not None else value


def _scalar(type_name: str, value: Any) -> Any:
    if type_name == "string" and isinstance(value, bool):
        return str(value).lower()
    if type_name == "string" and isinstance(value, int | float):
        return str(value)
    read = _READERS.get(type_name)
    if read is None or not isinstance(value, str):
        return value
    try:
        return read(value)
    except (ValueError, KeyError):
        return value  # The API's validation says what is wrong with it.


def retag(call: Call, arn: str, old: Properties, new: Properties) -> None:
    """Brings a resource's tags from the old properties to the new."""
    before, after = _tags(old), _tags(new)
    gone = [key for key in before if key not in after]
    added = [{"Key": key, "Value": value} for key, value in after.items()]
    if gone:
        call("DeleteTags", {"ResourceArn": arn, "TagKeys": gone})
    if before != after and added:
        call("AddTags", {"ResourceArn": arn, "Tags": added})


def _tags(properties: Properties) -> dict[str, str]:
    return {tag["Key"]: str(tag["Value"]) for tag in properties.get("Tags") or []}


def without(properties: Properties, *names: str) -> Properties:
    return {key: value for key, value in properties.items() if key not in names}
