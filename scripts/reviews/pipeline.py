"""The pipeline's definition, step by step and argument by argument.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-pipeline.html
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.assembly import Definition
from scripts.document import Entry, Mark
from scripts.reviews.comparison import Comparison
from scripts.reviews.differences import rows
from scripts.reviews.parameters import renamed_parameters
from scripts.reviews.policy import Finding

_BRANCHES = ("IfSteps", "ElseSteps")


@dataclass(frozen=True)
class PipelineChanges:
    """What differs between two definitions.

    Attributes:
        steps: names of those that differ.
        renamed: new names of parameters by the old ones.
    """

    entries: tuple[Entry, ...] = ()
    findings: tuple[Finding, ...] = ()
    steps: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)


def pipeline_changes(comparison: Comparison) -> PipelineChanges:
    """Compares the two definitions."""
    problems = [
        f"the pipeline's definition {when} is unreadable: {side.definition_problem}"
        for when, side in (("before", comparison.before), ("after", comparison.after))
        if side.definition_problem
    ]
    if problems:
        return PipelineChanges(
            tuple(Entry(Mark.DANGER, text) for text in problems),
            tuple(Finding("definition-unreadable", text) for text in problems),
        )
    old, new = comparison.before.definition, comparison.after.definition
    if old is None or new is None:
        return PipelineChanges(tuple(_whole(old, new)))
    renamed = renamed_parameters(old, new)
    before, after = _steps(old, renamed), _steps(new, {})
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
        steps[name] = _without_expressions({**arguments, **rest})
    return steps


def _without_expressions(value: Any) -> Any:
    """The same JSON with `Get` and the `Std:` functions as text, e.g. `${Parameters.Epochs}`."""
    match value:
        case {"Get": str() as what}:
            return f"${{{what}}}"
        case {"Std:Join": {"On": str() as separator, "Values": list() as values}}:
            return separator.join(_text(part) for part in values)
        case {"Std:JsonGet": {"Path": path, "PropertyFile": file}}:
            return f"${{{_text(path)} in {_text(file).strip('${}')}}}"
        case dict():
            return {key: _without_expressions(part) for key, part in value.items()}
        case list():
            return [_without_expressions(part) for part in value]
        case _:
            return value


def _text(value: Any) -> str:
    plain = _without_expressions(value)
    return plain if isinstance(plain, str) else json.dumps(plain, sort_keys=True)


def _entries(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Entry]:
    for name in [*after, *(name for name in before if name not in after)]:
        if name not in before:
            text = f"added: step {name} ({after[name].get('Type', '')})"
            yield Entry(Mark.ADDED, text, rows({}, after[name]))
        elif name not in after:
            text = f"removed: step {name} ({before[name].get('Type', '')})"
            yield Entry(Mark.REMOVED, text, (), ("steps that read its outputs must read others'",))
        elif changed := rows(before[name], after[name]):
            yield Entry(Mark.CHANGED, f"changed: step {name}", changed)
