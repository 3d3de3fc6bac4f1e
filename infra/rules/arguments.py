"""Each step's Arguments keep to SageMaker's patterns, values and maxima.

They are in botocore's model of the requests, but botocore leaves them to AWS. Members, types and
what expressions refer to are looked at by `rehearsal`, as SageMaker does when it is given the
pipeline: a test hands it every environment's definition.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
import regex  # type: ignore[import-untyped] # \p{L}, which re lacks
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from infra.assembly import is_expression, is_placeholder
from infra.rules import Finding

OPERATIONS = {
    "Processing": "CreateProcessingJob",
    "Training": "CreateTrainingJob",
    "Transform": "CreateTransformJob",
    "Model": "CreateModel",
    "RegisterModel": "CreateModelPackage",
}
"""What takes a step's Arguments, by its type."""

_WITHOUT_OPERATION = ("Condition", "Fail")
_MOST_SHOWN = 12


def check_arguments(name: str, step: Mapping[str, Any]) -> Iterator[Finding]:
    """What SageMaker would refuse in a step's Arguments, before it is asked."""
    if step["Type"] in _WITHOUT_OPERATION:
        return
    operation = OPERATIONS.get(step["Type"])
    if operation is None:
        wrong = (
            f"no rule knows steps of type {step['Type']}: use one of {', '.join(OPERATIONS)}, or "
            "teach infra/rules that type"
        )
        yield Finding(name, "arguments", "Type", wrong)
        return
    shape = _model().operation_model(operation).input_shape
    for path, wrong in _problems(shape, step["Arguments"], ""):
        yield Finding(name, "arguments", path, f"{operation} would refuse it: {wrong}")


@cache
def _model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("sagemaker")


def _problems(shape: Shape | None, value: Any, path: str) -> Iterator[tuple[str, str]]:
    """(path, what is wrong) of a literal value and all inside it."""
    if shape is None or is_expression(value):
        return
    limits = shape.metadata
    if isinstance(value, str) and is_placeholder(value):
        return
    if isinstance(value, str) and (wrong := _wrong_text(limits, value)):
        yield path, wrong
    size = len(value) if isinstance(value, str | list | Mapping) else value
    if "max" in limits and size > limits["max"]:
        unit = "" if size is value else "characters " if isinstance(value, str) else "items "
        yield path, f"{size} {unit}are more than {limits['max']}"
    for member, item, place in _inside(shape, value, path):
        yield from _problems(member, item, place)


def _wrong_text(limits: Mapping[str, Any], value: str) -> str | None:
    allowed = limits.get("enum")
    if allowed and value not in allowed:
        known = f": there is {', '.join(allowed)}" if len(allowed) <= _MOST_SHOWN else ""
        return f"'{value}' is none of its values{known}"
    pattern = limits.get("pattern")
    if pattern and not regex.fullmatch(pattern, value):
        return f"'{value}' does not match {pattern}"
    return None


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
