"""What a JSON value of a definition refers to: parameters, steps, property files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rehearsal.pipelines.paths import Key, parse_path

FUNCTIONS = ("Get", "Std:Join", "Std:JsonGet")


@dataclass(frozen=True)
class ParameterReference:
    text: str
    name: str


@dataclass(frozen=True)
class ExecutionReference:
    text: str
    name: str


@dataclass(frozen=True)
class ExperimentReference:
    text: str
    name: str


@dataclass(frozen=True)
class PropertyReference:
    """`Steps.<step>.<path>`: a member of what the step's Describe operation answers."""

    text: str
    step: str
    path: tuple[Key, ...]


@dataclass(frozen=True)
class PropertyFileReference:
    """`Steps.<step>.PropertyFiles.<name>`: only JsonGet can use it."""

    text: str
    step: str
    name: str


Reference = (
    ParameterReference
    | ExecutionReference
    | ExperimentReference
    | PropertyReference
    | PropertyFileReference
)


def is_expression(value: Any) -> bool:
    """Whether a JSON value is a function call, such as `{"Get": "Parameters.Seed"}`."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    key = str(next(iter(value)))
    return key == "Get" or key.startswith("Std:")


def parse_reference(text: Any) -> Reference:
    """Read the text of a `Get`; raises ValueError with one sentence when it can't be read."""
    if not isinstance(text, str):
        raise ValueError(f"the reference {text!r} must be a text such as 'Parameters.Name'")
    scope, _, rest = text.partition(".")
    match scope:
        case "Parameters" if rest:
            return ParameterReference(text, rest)
        case "Execution" if rest:
            return ExecutionReference(text, rest)
        case "PipelineExperimentConfig" if rest:
            return ExperimentReference(text, rest)
        case "Steps" if rest:
            return _step_reference(text, rest)
    raise ValueError(
        f"the reference '{text}' can't be read: it must begin with Parameters., Execution., "
        "PipelineExperimentConfig. or Steps."
    )


def calls_in(value: Any) -> Iterator[tuple[str, Any]]:
    """Every function call inside a JSON value: function and argument, outer calls first."""
    if is_expression(value):
        yield next(iter(value.items()))
    members = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for member in members:
            yield from calls_in(member)


def references_in(value: Any) -> Iterator[Reference]:
    """Every reference inside a JSON value; raises ValueError when one can't be read."""
    for function, argument in calls_in(value):
        if function == "Get":
            yield parse_reference(argument)


def _step_reference(text: str, rest: str) -> Reference:
    step, dot, path = rest.partition(".")
    if not dot or not path:
        raise ValueError(f"the reference '{text}' names a step and no property of it")
    keys = parse_path(path)
    if keys[0] == "PropertyFiles" and len(keys) == 2:
        return PropertyFileReference(text, step, str(keys[1]))
    return PropertyReference(text, step, keys)
