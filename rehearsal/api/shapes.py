"""botocore's service model of SageMaker, and values in and out of its JSON protocol."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape


@cache
def service_model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("sagemaker")


def operation(name: str) -> OperationModel:
    return service_model().operation_model(name)


def project(shape_name: str, record: dict[str, Any]) -> dict[str, Any]:
    """The members of a structure that the record has."""
    shape = service_model().shape_for(shape_name)
    assert isinstance(shape, StructureShape)  # noqa: S101 - a programming error, no input
    return {name: record[name] for name in shape.members if record.get(name) is not None}


def from_wire(shape: Shape | None, value: Any) -> Any:
    """JSON of a request as botocore has it in Python: timestamps become `datetime`."""
    return _walk(shape, value, _timestamp)


def to_wire(value: Any) -> Any:
    """A response as JSON: `datetime` becomes seconds since 1970, to the millisecond."""
    if isinstance(value, dict):
        return {key: to_wire(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_wire(item) for item in value]
    return round(value.timestamp(), 3) if isinstance(value, datetime) else value


def _walk(shape: Shape | None, value: Any, leaf: Callable[[Shape, Any], Any]) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {key: _walk(shape.members.get(key), item, leaf) for key, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_walk(shape.member, item, leaf) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: _walk(shape.value, item, leaf) for key, item in value.items()}
    return value if shape is None else leaf(shape, value)


def _timestamp(shape: Shape, value: Any) -> Any:
    if shape.type_name != "timestamp" or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            return value
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return value
