"""Checks that a property which a step refers to can exist: `Steps.A.ModelArtifacts.…`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.model import Shape

from rehearsal import service_model
from rehearsal.errors import validation
from rehearsal.pipelines.model import Step
from rehearsal.pipelines.paths import Key, look_up, name_member
from rehearsal.pipelines.references import PropertyReference
from rehearsal.pipelines.steps import STEP_TYPES


def check_property(step: Step, target: Step, reference: PropertyReference) -> None:
    """Raises ApiError (ValidationException) when the target step can't have the property."""
    if target.type == "Condition":
        if reference.path == ("Outcome",):
            return
        raise _refusal(step, target, reference, "a Condition step has only 'Outcome'")
    operation = STEP_TYPES[target.type].describe
    if operation is None:
        raise _refusal(step, target, reference, f"a {target.type} step has no properties")
    shape = service_model.operation(operation).output_shape
    missing = _missing(shape, reference.path)
    if missing is not None:
        raise _refusal(step, target, reference, f"{operation} answers no '{missing}'")
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


def _check_named_item(step: Step, target: Step, reference: PropertyReference) -> None:
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


def _refusal(step: Step, target: Step, reference: PropertyReference, why: str) -> Exception:
    return validation(
        f"Step '{step.name}' refers to '{reference.text}', which step '{target.name}' "
        f"does not have: {why}."
    )
