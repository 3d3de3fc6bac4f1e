"""The pipeline, step by step and argument by argument; its parameters and those of the stacks.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-pipeline.html
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.assembly import Definition
from scripts.document import Entry, Mark, Row
from scripts.reviews.comparison import Comparison
from scripts.reviews.differences import rows
from scripts.reviews.policy import Finding

_BRANCHES = ("IfSteps", "ElseSteps")


@dataclass(frozen=True)
class PipelineChanges:
    """What differs between two definitions; `renamed` has parameters' new names by the old."""

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
    renamed = _renamed_parameters(old, new)
    before, after = _steps(old, renamed), _steps(new, {})
    steps = tuple(name for name in {**before, **after} if before.get(name) != after.get(name))
    return PipelineChanges(tuple(_entries(before, after)), (), steps, renamed)


def parameter_entries(comparison: Comparison, renamed: Mapping[str, str]) -> Iterator[Entry]:
    """Added, removed, renamed (new names of the pipeline's by the old ones) and changed ones."""
    old, new = comparison.before.definition, comparison.after.definition
    if old is not None and new is not None:
        yield from _parameter_entries("pipeline", _parameters(old), _parameters(new), renamed)
    before_templates = comparison.before.stacks.templates
    for unit in sorted(before_templates.keys() & comparison.after.stacks.templates.keys()):
        yield from _template_entries(comparison, unit)


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


def _template_entries(comparison: Comparison, unit: str) -> Iterator[Entry]:
    one, other = comparison.before.stacks.template(unit), comparison.after.stacks.template(unit)
    renamed = _renamed_in_templates(one, other)
    deployed = comparison.before.stacks.parameters.get(unit, {})
    old, new = (template.get("Parameters", {}) for template in (one, other))
    for entry in _parameter_entries(f"stack {unit}", old, new, renamed):
        names = [name for name in (*old, *new) if f" {name} " in f"{entry.text} "]
        notes = [f"deployed: {name} = {deployed[name]!r}" for name in names if name in deployed]
        yield Entry(entry.mark, entry.text, entry.rows, (*entry.notes, *dict.fromkeys(notes)))


def _parameter_entries(
    where: str, before: Mapping[str, Any], after: Mapping[str, Any], renamed: Mapping[str, str]
) -> Iterator[Entry]:
    for name, value in sorted(before.items()):
        if name in renamed:
            note = f"whoever passes {name} must pass {renamed[name]}"
            yield Entry(Mark.CHANGED, f"{where}: {name} is now called {renamed[name]}", (), (note,))
        elif name not in after:
            note = f"whoever passes {name} is refused"
            yield Entry(
                Mark.REMOVED, f"{where}: {name} removed", (_type_row(value, is_new=False),), (note,)
            )
        elif changed := rows(value, after[name]):
            yield Entry(Mark.CHANGED, f"{where}: {name}", changed)
    for name, value in sorted(after.items()):
        if name not in before and name not in renamed.values():
            is_needed = "DefaultValue" not in value and "Default" not in value
            notes = ("it has no default: every start must pass it",) if is_needed else ()
            yield Entry(
                Mark.ADDED, f"{where}: {name} added", (_type_row(value, is_new=True),), notes
            )


def _type_row(parameter: Mapping[str, Any], *, is_new: bool) -> Row:
    default = parameter.get("DefaultValue", parameter.get("Default"))
    text = parameter.get("Type", "") + ("" if default is None else f" = {json.dumps(default)}")
    return Row("type", None if is_new else text, text if is_new else None)


def _renamed_parameters(before: Definition, after: Definition) -> dict[str, str]:
    """New names of a pipeline's parameters by the old ones.

    One that is gone and one that is new are the same where type, default and every place that uses
    them are.
    """
    old, new = _parameters(before), _parameters(after)
    return _paired(
        {name: (old[name], _uses(before, name)) for name in old if name not in new},
        {name: (new[name], _uses(after, name)) for name in new if name not in old},
    )


def _renamed_in_templates(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    """The same of two templates."""
    sides = []
    for template, other in ((before, after), (after, before)):
        known = other.get("Parameters", {})
        text = json.dumps(template.get("Resources", {}), sort_keys=True)
        sides.append(
            {
                name: (value, text.count(f'{{"Ref": "{name}"}}'))
                for name, value in template.get("Parameters", {}).items()
                if name not in known
            }
        )
    return _paired(*sides)


def _paired(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """Only where each has exactly one that is like it."""
    pairs = {}
    for name, value in old.items():
        alike = [other for other, new_value in new.items() if new_value == value]
        others = [other for other, old_value in old.items() if old_value == value]
        if len(alike) == len(others) == 1:
            pairs[name] = alike[0]
    return pairs


def _parameters(definition: Definition) -> dict[str, Any]:
    return {
        parameter["Name"]: {key: value for key, value in parameter.items() if key != "Name"}
        for parameter in definition.content.get("Parameters", [])
    }


def _uses(definition: Definition, name: str) -> frozenset[str]:
    """Where a parameter is used, as paths into the definition."""
    return frozenset(_places(definition.content.get("Steps", []), f"Parameters.{name}", ""))


def _places(value: Any, wanted: str, path: str) -> Iterator[str]:
    match value:
        case {"Get": str() as what} if what == wanted:
            yield path
        case dict():
            for key, part in value.items():
                yield from _places(part, wanted, f"{path}/{key}")
        case list():
            for index, part in enumerate(value):
                # A step that is added before others moves them, and not their arguments.
                label = part.get("Name", index) if isinstance(part, dict) else index
                yield from _places(part, wanted, re.sub(r"/+", "/", f"{path}/{label}"))
