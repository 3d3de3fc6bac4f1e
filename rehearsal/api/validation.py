"""Requests and responses against botocore's service model.

botocore's own validator checks types, required members and minima. It leaves patterns, enums and
maxima to AWS; so these are checked here, in the words of SageMaker's errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import regex  # type: ignore[import-untyped] # Java's \p{L}, which re lacks
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.validate import ParamValidator

from rehearsal.api import shapes
from rehearsal.errors import ApiError, validation

_LONGEST_SHOWN = 200
# A dot that is neither escaped nor one of a class of characters.
_DOT = re.compile(r"(?<!\\)\.(?![^\[]*\])")
_NO_LINE_END = r"[^\n\r\x85\u2028\u2029]".replace("\\", r"\\")


def check_request(operation: str, request: dict[str, Any]) -> None:
    """Raises:
    ApiError: ValidationException with every violation.
    """
    check(shapes.operation(operation).input_shape, request)


def check_response(operation: str, response: dict[str, Any]) -> None:
    """Raises:
    ApiError: InternalFailure, the rehearsal would answer what AWS can't.
    """
    check_answer(shapes.operation(operation).output_shape, response)


def check(shape: Shape | None, request: dict[str, Any]) -> None:
    """The same of any AWS service's request.

    Raises:
        ApiError: ValidationException with every violation.
    """
    found = list(_problems(shape, request))
    if found:
        many = "errors" if len(found) > 1 else "error"
        raise validation(f"{len(found)} validation {many} detected: {'; '.join(found)}")


def check_answer(shape: Shape | None, response: dict[str, Any]) -> None:
    """Raises:
    ApiError: InternalFailure, the rehearsal would answer what AWS can't.
    """
    found = list(_problems(shape, response))
    if found:
        raise ApiError(
            "InternalFailure", f"The rehearsal's answer is wrong: {'; '.join(found)}", 500
        )


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
