"""Checks a step's Arguments against botocore's model of the operation that they are for, and the
properties of other steps that they refer to: `Steps.A.ModelArtifacts.…`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.model import Shape
from botocore.validate import ParamValidator

from rehearsal import service_model
from rehearsal.errors import ApiError, validation
from rehearsal.pipelines.definition import Parameter, PipelineStep
from rehearsal.pipelines.references import (
    Key,
    Reference,
    is_expression,
    look_up,
    name_member,
    parse_reference,
)
from rehearsal.pipelines.steps import STEP_TYPES, ResourceStep

# By the type of a parameter or of a shape.
_SAMPLES: dict[str, Any] = {
    "Integer": 1,
    "Float": 1.0,
    "Boolean": True,
    "boolean": True,
    "timestamp": 0,
    "blob": b"",
    "map": {},
}


_MOST_SHOWN = 12


def mistake(
    kind: ResourceStep, arguments: Mapping[str, Any], parameters: Mapping[str, Parameter]
) -> str | None:
    """What is wrong with Arguments, None when they fit.

    An expression fits where its type does: a parameter has one, Std:Join is text, and the rest
    is known only when it runs.
    """
    shape = service_model.operation(kind.operation).input_shape
    assert shape is not None  # noqa: S101 - narrows the type: every Create has one
    request = _filled(shape, dict(arguments), parameters)
    if kind.is_named:
        request.setdefault(kind.name_member, "x")
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        return str(report.generate_report()).splitlines()[0].strip()
    return next(_unlisted(shape, dict(arguments), ""), None)


def _unlisted(shape: Shape | None, value: Any, path: str) -> Iterator[str]:
    """Literals that are none of an enum's values, which botocore's validator doesn't look for."""
    if is_expression(value) or shape is None:
        return
    allowed = shape.metadata.get("enum")
    if allowed and isinstance(value, str) and value not in allowed:
        known = f" and must be one of {', '.join(allowed)}" if len(allowed) <= _MOST_SHOWN else ""
        yield f"{path.removeprefix('.')} is '{value}'{known or ', which AWS does not have'}"
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _unlisted(_member(shape, key), member, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unlisted(getattr(shape, "member", None), item, f"{path}[{index}]")


def _filled(shape: Shape | None, value: Any, parameters: Mapping[str, Parameter]) -> Any:
    if is_expression(value):
        return _sample(shape, value, parameters)
    if isinstance(value, dict):
        return {key: _filled(_member(shape, key), v, parameters) for key, v in value.items()}
    if isinstance(value, list):
        return [_filled(getattr(shape, "member", None), v, parameters) for v in value]
    return value


def _member(shape: Shape | None, key: str) -> Shape | None:
    members: Mapping[str, Shape] = getattr(shape, "members", {})
    fallback: Shape | None = getattr(shape, "value", None)
    return members.get(key, fallback)


def _sample(
    shape: Shape | None, expression: Mapping[str, Any], parameters: Mapping[str, Parameter]
) -> Any:
    if "Std:Join" in expression:
        return _text(shape)
    reference = parse_reference(expression["Get"]) if "Get" in expression else None
    if reference and reference.kind == "parameter":
        kind = parameters[reference.name].type
        return _text(shape) if kind == "String" else _SAMPLES[kind]
    return _fitting(shape)


def _text(shape: Shape | None) -> str:
    return "x" * max(1, int(shape.metadata.get("min", 1))) if shape is not None else "x"


def _fitting(shape: Shape | None) -> Any:
    if shape is None:
        return "x"
    smallest = int(shape.metadata.get("min", 0))
    match shape.type_name:
        case "structure":
            members: Mapping[str, Shape] = getattr(shape, "members", {})
            return {name: _fitting(members[name]) for name in shape.required_members}
        case "list":
            return [_fitting(getattr(shape, "member", None))] * smallest
        case "string":
            return _text(shape)
        case "integer" | "long" | "float" | "double":
            return max(1, smallest)
    return _SAMPLES[shape.type_name]


def check_property(step: PipelineStep, target: PipelineStep, reference: Reference) -> None:
    """Refuses a reference to a property that the target step can't have.

    Raises:
        ApiError: ValidationException.
    """
    if target.type == "Condition":
        if reference.path == ("Outcome",):
            return
        raise _refusal(step, target, reference, "a Condition step has only 'Outcome'")
    kind = STEP_TYPES[target.type]
    if not isinstance(kind, ResourceStep):
        raise _refusal(step, target, reference, f"a {target.type} step has no properties")
    shape = service_model.operation(kind.describe).output_shape
    missing = _missing(shape, reference.path)
    if missing is not None:
        raise _refusal(step, target, reference, f"{kind.describe} answers no '{missing}'")
    _check_named_item(step, target, reference)


def _missing(shape: Shape | None, path: Sequence[Key]) -> Key | None:
    """The first key that the shape has no place for."""
    for key in path:
        kind = "" if shape is None else shape.type_name
        if kind == "structure" and key in getattr(shape, "members", {}):
            shape = shape.members[key]  # type: ignore[union-attr]
        elif kind == "list" and (isinstance(key, int) or _addressed_by_name(shape)):
            shape = shape.member  # type: ignore[union-attr]
        elif kind == "map" and isinstance(key, str):
            shape = shape.value  # type: ignore[union-attr]
        else:
            return key
    return None


def _addressed_by_name(shape: Any) -> bool:
    return name_member(dict(getattr(shape.member, "members", {}))) is not None


def _check_named_item(step: PipelineStep, target: PipelineStep, reference: Reference) -> None:
    """`Outputs['shards']` must be among the outputs that the target's Arguments name."""
    for depth, key in enumerate(reference.path):
        try:
            items = look_up(target.arguments, reference.path[:depth])
        except LookupError:
            return
        if isinstance(items, list) and isinstance(key, str):
            names = [item[name] for item in items if (name := name_member(item)) is not None]
            if key not in names and all(isinstance(name, str) for name in names):
                known = ", ".join(names) or "none"
                raise _refusal(step, target, reference, f"there is no '{key}', only {known}")


def _refusal(step: PipelineStep, target: PipelineStep, reference: Reference, why: str) -> ApiError:
    return validation(
        f"Step '{step.name}' refers to '{reference.text}', which step '{target.name}' "
        f"does not have: {why}."
    )
