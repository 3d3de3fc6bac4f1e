"""Each step's Arguments are a request that SageMaker takes.

botocore's validator knows types, required and unknown members; it leaves patterns, enums and
maxima, which its model has as well, to AWS, so that they are looked at here.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import regex  # type: ignore[import-untyped] # \p{L}, which re lacks
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.validate import ParamValidator

from infra.assembly import Definition
from infra.rules import service
from infra.rules.expressions import is_expression
from infra.rules.finding import Finding
from infra.rules.types import fits, type_of

RULE = "arguments"
# What infra.assembly.plain_text writes for what only a deployment knows: an attribute, or what
# another stack exports.
_PLACEHOLDER = re.compile(r"^([A-Za-z0-9]+\.[A-Za-z]+|ExportsOutput(Ref|FnGetAtt)[A-Za-z0-9]+)$")
_MOST_SHOWN = 12
_SAMPLES: Mapping[str, Any] = {
    "integer": 1,
    "long": 1,
    "float": 1.0,
    "double": 1.0,
    "boolean": True,
    "timestamp": 0,
    "blob": b"",
    "map": {},
}


def of_step(name: str, step: Mapping[str, Any], definition: Definition) -> Iterator[Finding]:
    """All that SageMaker would refuse in a step's Arguments, before it is asked."""
    if step["Type"] in service.WITHOUT_OPERATION:
        return
    if step["Type"] not in service.OPERATIONS:
        yield Finding(
            name,
            RULE,
            "Type",
            f"no rule knows steps of type {step['Type']}: use one of "
            f"{', '.join(service.OPERATIONS)}, or teach infra/rules that type",
        )
        return
    shape, arguments = service.request(step["Type"]), step["Arguments"]
    problems = list(_problems(shape, arguments, "", definition))
    request = _filled(shape, arguments)
    if generated := service.OPERATIONS[step["Type"]].generated:
        request.setdefault(generated, "x")
    report = ParamValidator().validate(request, shape)
    for line in report.generate_report().splitlines():
        problems.append(("", line.rstrip(".")))
    operation = service.OPERATIONS[step["Type"]].create
    for path, wrong in problems:
        yield Finding(name, RULE, path, f"{operation} would refuse it: {wrong}")


def _problems(
    shape: Shape | None, value: Any, path: str, definition: Definition
) -> Iterator[tuple[str, str]]:
    """(path, what is wrong) of all that botocore's validator leaves to AWS."""
    if shape is None:
        return
    if is_expression(value):
        yield from ((path, wrong) for wrong in _badly_typed(shape, value, definition))
        return
    yield from ((path, wrong) for wrong in _out_of_limits(shape, value))
    for member, item, place in _inside(shape, value, path):
        yield from _problems(member, item, place, definition)


def _badly_typed(
    shape: Shape, expression: Mapping[str, Any], definition: Definition
) -> Iterator[str]:
    try:
        found = type_of(expression, definition)
    except LookupError as error:
        yield str(error.args[0])
        return
    if not fits(found, shape.type_name):
        yield f"the expression becomes a {found}, and it takes a {shape.type_name}"


def _out_of_limits(shape: Shape, value: Any) -> Iterator[str]:
    limits = shape.metadata
    if isinstance(value, str):
        yield from _bad_text(limits, value)
        if _PLACEHOLDER.match(value):
            return
    size = len(value) if isinstance(value, str | list | Mapping) else value
    unit = "characters " if isinstance(value, str) else "items " if size is not value else ""
    if "max" in limits and isinstance(size, int | float) and size > limits["max"]:
        yield f"{size} {unit}are more than {limits['max']}"


def _bad_text(limits: Mapping[str, Any], value: str) -> Iterator[str]:
    allowed = limits.get("enum")
    if allowed and value not in allowed:
        known = f": there is {', '.join(allowed)}" if len(allowed) <= _MOST_SHOWN else ""
        yield f"'{value}' is none of its values{known}"
    pattern = limits.get("pattern")
    if pattern and not _PLACEHOLDER.match(value) and not regex.fullmatch(pattern, value):
        yield f"'{value}' does not match {pattern}"


def _inside(shape: Shape, value: Any, path: str) -> Iterator[tuple[Shape | None, Any, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            place = f"{path}.{key}" if path else key
            if isinstance(shape, StructureShape):
                yield shape.members.get(key), item, place
            elif isinstance(shape, MapShape):
                yield shape.key, key, place
                yield shape.value, item, place
    elif isinstance(value, list) and isinstance(shape, ListShape):
        for number, item in enumerate(value):
            yield shape.member, item, f"{path}[{number}]"


def _filled(shape: Shape | None, value: Any) -> Any:
    """The request as it may be once its expressions are evaluated."""
    if is_expression(value):
        return _sample(shape)
    if isinstance(value, Mapping):
        members: Mapping[str, Shape] = getattr(shape, "members", {})
        every: Shape | None = getattr(shape, "value", None)
        return {key: _filled(members.get(key, every), item) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(getattr(shape, "member", None), item) for item in value]
    return value


def _sample(shape: Shape | None) -> Any:
    if shape is None:
        return "x"
    if shape.type_name in _SAMPLES:
        return _SAMPLES[shape.type_name]
    if isinstance(shape, StructureShape):
        return {name: _sample(shape.members[name]) for name in shape.required_members}
    smallest = int(shape.metadata.get("min", 0))
    if isinstance(shape, ListShape):
        return [_sample(shape.member)] * smallest
    return "x" * max(1, smallest)
