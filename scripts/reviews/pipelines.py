"""The pipeline's definition, step by step and argument by argument."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.assembly import Definition
from scripts.reviews.comparison import Comparison
from scripts.reviews.differences import rows
from scripts.reviews.document import Entry, Finding, Mark
from scripts.reviews.expressions import without_expressions
from scripts.reviews.plain import Plain
from scripts.reviews.renames import renamed_parameters
from scripts.reviews.stacks import Resource, Stacks

_TYPE = "AWS::SageMaker::Pipeline"
_BRANCHES = ("IfSteps", "ElseSteps")


@dataclass(frozen=True)
class Read:
    """The definition of a side.

    Attributes:
        definition: None where there is no pipeline, or one that can't be read.
        problem: why it can't be read.
    """

    definition: Definition | None = None
    problem: str = ""


@dataclass(frozen=True)
class PipelineChanges:
    """What differs between two definitions."""

    entries: tuple[Entry, ...] = ()
    findings: tuple[Finding, ...] = ()
    steps: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)


def read(side: Stacks, plain: Plain) -> Read:
    """The definition as it is deployed, without CloudFormation's functions."""
    pipelines = [resource for resource in side.resources() if resource.type == _TYPE]
    if not pipelines:
        return Read()
    body = pipelines[0].properties.get("PipelineDefinition", {}).get("PipelineDefinitionBody")
    if body is None:
        return Read(problem="it lies in S3 (PipelineDefinitionS3Location) and not in the template")
    try:
        content = json.loads(plain.text(pipelines[0].unit, body))
        made = Definition(content)
        made.steps, made.parameters  # noqa: B018 - reads what all that follows relies on
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Read(problem=f"it is no definition ({type(error).__name__}: {error})")
    return Read(made)


def pipeline_changes(comparison: Comparison) -> PipelineChanges:
    """Compares the two definitions."""
    old = read(comparison.before, comparison.plain_before)
    new = read(comparison.after, comparison.plain_after)
    problems = [(side, r.problem) for side, r in (("before", old), ("after", new)) if r.problem]
    if problems:
        texts = [
            f"the pipeline's definition {side} is unreadable: {what}" for side, what in problems
        ]
        return PipelineChanges(
            tuple(Entry(Mark.DANGER, text) for text in texts),
            tuple(Finding("definition-unreadable", text) for text in texts),
        )
    if old.definition is None or new.definition is None:
        return PipelineChanges(tuple(_whole(old.definition, new.definition)))
    renamed = renamed_parameters(old.definition, new.definition)
    before = _steps(old.definition, renamed)
    after = _steps(new.definition, {})
    steps = tuple(name for name in {**before, **after} if before.get(name) != after.get(name))
    return PipelineChanges(tuple(_entries(before, after)), (), steps, renamed)


def _whole(old: Definition | None, new: Definition | None) -> Iterator[Entry]:
    for definition, mark, word in ((old, Mark.REMOVED, "gone"), (new, Mark.ADDED, "new")):
        if definition is not None:
            yield Entry(mark, f"The pipeline is {word}: {' → '.join(definition.steps)}")


def _steps(definition: Definition, renamed: Mapping[str, str]) -> dict[str, Any]:
    """Comparable JSON of each step; branches name their steps, which stand for themselves."""
    text = json.dumps(definition.content)
    for old, new in renamed.items():
        text = text.replace(f'"Parameters.{old}"', f'"Parameters.{new}"')
    steps = {}
    for name, step in Definition(json.loads(text)).steps.items():
        arguments = {
            key: [s["Name"] for s in value] if key in _BRANCHES else value
            for key, value in step["Arguments"].items()
        }
        rest = {key: value for key, value in step.items() if key not in ("Name", "Arguments")}
        if "DependsOn" in rest:
            rest["DependsOn"] = sorted(rest["DependsOn"])
        steps[name] = without_expressions({**arguments, **rest})
    return steps


def _entries(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Entry]:
    for name in [*after, *(name for name in before if name not in after)]:
        if name not in before:
            yield Entry(
                Mark.ADDED, f"added: step {name} ({_kind(after[name])})", rows({}, after[name])
            )
        elif name not in after:
            note = "steps that read its outputs must read others'"
            yield Entry(Mark.REMOVED, f"removed: step {name} ({_kind(before[name])})", (), (note,))
        elif found := rows(before[name], after[name]):
            yield Entry(Mark.CHANGED, f"changed: step {name}", found)


def _kind(step: Mapping[str, Any]) -> str:
    return str(step.get("Type", ""))


def pipeline(side: Stacks) -> Resource | None:
    """The first pipeline of a side."""
    return next((r for r in side.resources() if r.type == _TYPE), None)
