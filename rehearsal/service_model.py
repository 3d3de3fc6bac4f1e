"""botocore's service models: shapes, limits, values on the wire, and the check of requests.

botocore's own validator checks types, required members and minima. It leaves patterns, enums and
maxima to AWS; so these are checked here, in the words of SageMaker's errors.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.session
import regex  # type: ignore[import-untyped] # Java's \p{L}, which re lacks
from botocore.model import (
    ListShape,
    MapShape,
    OperationModel,
    ServiceModel,
    Shape,
    StructureShape,
)
from botocore.validate import ParamValidator

from rehearsal.errors import ApiError, validation

_LONGEST_SHOWN = 200
# A dot that is neither escaped nor one of a class of characters.
_DOT = re.compile(r"(?<!\\)\.(?![^\[]*\])")
_NO_LINE_END = r"[^\n\r\x85\u2028\u2029]".replace("\\", r"\\")


@cache
def load(service: str = "sagemaker") -> ServiceModel:
    """The pinned botocore's model of a service, read once."""
    return botocore.session.get_session().get_service_model(service)


def operation(name: str, service: str = "sagemaker") -> OperationModel:
    """The model of one operation.

    Raises:
        botocore.model.OperationNotFoundError: the service has none of that name.
    """
    return load(service).operation_model(name)


def structure(name: str, service: str = "sagemaker") -> StructureShape:
    """A shape that is a structure, such as an operation's request."""
    shape = load(service).shape_for(name)
    assert isinstance(shape, StructureShape)  # noqa: S101 - a programming error, no input
    return shape


def max_length(shape_name: str, service: str = "sagemaker") -> int:
    """How many characters, bytes or items a value of a shape has at most."""
    return int(load(service).shape_for(shape_name).metadata["max"])


def project(shape_name: str, record: dict[str, Any]) -> dict[str, Any]:
    """The members of a structure that the record has."""
    members = structure(shape_name).members
    return {name: record[name] for name in members if record.get(name) is not None}


def now() -> datetime:
    """To the millisecond, as clients see it: a filter by a time that they saw must fit."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def from_wire(shape: Shape | None, value: Any) -> Any:
    """JSON of a request as botocore has it in Python: timestamps become `datetime`."""
    return convert(shape, value, _timestamp)


def to_wire(value: Any) -> Any:
    """A response as JSON: `datetime` becomes seconds since 1970, to the millisecond."""
    if isinstance(value, dict):
        return {key: to_wire(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_wire(item) for item in value]
    return round(value.timestamp(), 3) if isinstance(value, datetime) else value


def check_request(shape: Shape | None, request: dict[str, Any]) -> None:
    """Checks the request of any AWS service.

    Raises:
        ApiError: ValidationException with every violation.
    """
    found = list(_problems(shape, request))
    if found:
        many = "errors" if len(found) > 1 else "error"
        raise validation(f"{len(found)} validation {many} detected: {'; '.join(found)}")


def check_response(shape: Shape | None, response: dict[str, Any]) -> None:
    """Checks the response of any AWS service.

    Raises:
        ApiError: InternalFailure, the rehearsal would answer what AWS can't.
    """
    found = list(_problems(shape, response))
    if found:
        raise ApiError(
            "InternalFailure", f"The rehearsal's answer is wrong: {'; '.join(found)}", 500
        )


def convert(shape: Shape | None, value: Any, leaf: Callable[[Shape, Any], Any]) -> Any:
    """The value, each of its scalars made what `leaf` makes of it."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {key: convert(shape.members.get(key), item, leaf) for key, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [convert(shape.member, item, leaf) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: convert(shape.value, item, leaf) for key, item in value.items()}
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


def _problems(shape: Shape | None, value: dict[str, Any]) -> Iterator[str]:
    if shape is None:
        if value:
            yield f"the operation has no such members: {', '.join(sorted(value))}"
        return
    report = ParamValidator().validate(value, shape)
    if report.has_errors():
        yield from report.generate_report().splitlines()
    else:
        yield from _constraints(shape, value, "")
    if isinstance(shape, StructureShape):
        for name in sorted(value.keys() - shape.members.keys()):
            yield f'Unknown parameter in input: "{name}"'


def _constraints(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if value is None:
        return
    yield from (
        f"Value '{_shown(value)}' at '{path}' failed to satisfy constraint: {broken}"
        for broken in _broken(shape, value)
    )
    for member, item, place in _inside(shape, value, path):
        yield from _constraints(member, item, place)


def _inside(shape: Shape, value: Any, path: str) -> Iterator[tuple[Shape, Any, str]]:
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            if name in value:
                yield member, value[name], f"{path}.{_lower(name)}" if path else _lower(name)
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value, start=1):
            yield shape.member, item, f"{path}.{number}.member"
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield shape.key, key, f"{path}.key"
            yield shape.value, item, f"{path}.{key}.member"


def _broken(shape: Shape, value: Any) -> Iterator[str]:
    constraints = shape.metadata
    if constraints.get("enum") and value not in constraints["enum"]:
        allowed = ", ".join(constraints["enum"])
        yield f"Member must satisfy enum value set: [{allowed}]"
    pattern = _pattern(constraints.get("pattern"))
    if pattern is not None and isinstance(value, str) and not pattern.fullmatch(value):
        yield f"Member must satisfy regular expression pattern: {constraints['pattern']}"
    yield from _limits(constraints, value)


def _limits(constraints: dict[str, Any], value: Any) -> Iterator[str]:
    size: float
    if isinstance(value, str | list | dict):
        size, what = len(value), "have length"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        size, what = value, "have value"
    else:
        return
    if "min" in constraints and size < constraints["min"]:
        yield f"Member must {what} greater than or equal to {constraints['min']}"
    if "max" in constraints and size > constraints["max"]:
        yield f"Member must {what} less than or equal to {constraints['max']}"


@cache
def _pattern(text: str | None) -> regex.Pattern[str] | None:
    # The model has `(…)${1,256}` in two places: it repeats the end of the text and says nothing.
    # Java writes the characters beyond the first 65,536 as pairs.
    if not text:
        return None
    beyond = text.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    # Its dot takes no line terminator, of which Python's leaves out the first alone.
    return regex.compile(re.sub(_DOT, _NO_LINE_END, beyond.partition("${")[0]))


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
