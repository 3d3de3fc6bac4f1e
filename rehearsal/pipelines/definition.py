"""Reads a pipeline definition, and refuses a wrong one with one sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError

from rehearsal import service_model
from rehearsal.errors import ApiError, validation
from rehearsal.pipelines.model import VERSION, Branch, Definition, Document, Step
from rehearsal.pipelines.validation import check

MOST_PARAMETERS = 200

_STEPS = TypeAdapter(tuple[Step, ...])


def parse(body: str) -> Definition:
    """Read the JSON of a definition that `validate` accepted.

    Raises ApiError (ValidationException) when its structure is wrong.
    """
    document = _document(body)
    parameters = _by_name("parameter", [(p.name, p) for p in document.parameters])
    placed = list(_placed(document.steps))
    return Definition(
        parameters=parameters,
        steps=_by_name("step", [(step.name, step) for step, _ in placed]),
        branches={step.name: branch for step, branch in placed if branch is not None},
        experiment=document.pipeline_experiment_config or {},
    )


def validate(body: str) -> None:
    """Refuse a definition that CreatePipeline would, before anything runs.

    Raises ApiError (ValidationException) with one sentence: what is wrong, where, what to do.
    """
    longest = service_model.max_length("PipelineDefinition")
    if len(body) > longest:
        raise validation(
            f"The pipeline definition has {len(body)} characters: shorten it to {longest}."
        )
    definition = parse(body)
    if len(definition.parameters) > MOST_PARAMETERS:
        raise validation(
            f"The pipeline definition has {len(definition.parameters)} parameters: "
            f"keep at most {MOST_PARAMETERS}."
        )
    check(definition)


def _document(body: str) -> Document:
    try:
        content = json.loads(body)
    except ValueError as error:
        raise validation(f"The pipeline definition is not JSON: {error}.") from error
    version = content.get("Version") if isinstance(content, dict) else None
    if version != VERSION:
        raise validation(
            f"The pipeline definition has the Version {version!r}: only '{VERSION}' is known."
        )
    try:
        return Document.model_validate(content)
    except ValidationError as error:
        raise _malformed(error) from error


def _placed(
    steps: tuple[Step, ...], branch: Branch | None = None
) -> Iterator[tuple[Step, Branch | None]]:
    for step in steps:
        yield step, branch
        if step.type == "Condition":
            for key, outcome in (("IfSteps", True), ("ElseSteps", False)):
                yield from _placed(_inner(step, key), Branch(step.name, outcome))


def _inner(step: Step, key: str) -> tuple[Step, ...]:
    try:
        return _STEPS.validate_python(step.arguments.get(key) or ())
    except ValidationError as error:
        raise _malformed(error, step.name, key) from error


def _by_name(kind: str, named: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, part in named:
        if name in found:
            raise validation(f"Two {kind}s have the name '{name}': rename one of them.")
        found[name] = part
    return found


def _malformed(error: ValidationError, *where: str) -> ApiError:
    first = error.errors()[0]
    place = ".".join((*where, *(str(part) for part in first["loc"])))
    if first["type"] == "extra_forbidden":
        return validation(f"The pipeline definition has an unknown property {place}: remove it.")
    message = first["msg"][0].lower() + first["msg"][1:]
    return validation(f"The pipeline definition is wrong at {place}: {message}.")
