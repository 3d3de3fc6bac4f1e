"""Parameters of the templates and of the pipeline, and those that only have another name."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.assembly import Definition
from scripts.document import Entry, Mark, Row
from scripts.reviews.comparison import Comparison
from scripts.reviews.differences import rows


def parameter_entries(comparison: Comparison, renamed: Mapping[str, str]) -> Iterator[Entry]:
    """Added, removed, renamed and changed ones.

    Args:
        renamed: new names of the pipeline's parameters by the old ones.
    """
    old, new = comparison.before.definition, comparison.after.definition
    if old is not None and new is not None:
        before, after = (
            {p["Name"]: p for p in side.content.get("Parameters", [])} for side in (old, new)
        )
        yield from _entries("pipeline", before, after, renamed)
    before_templates = comparison.before.stacks.templates
    for unit in sorted(before_templates.keys() & comparison.after.stacks.templates.keys()):
        yield from _template_entries(comparison, unit)


def _template_entries(comparison: Comparison, unit: str) -> Iterator[Entry]:
    one, other = comparison.before.stacks.template(unit), comparison.after.stacks.template(unit)
    renamed = _renamed_in_templates(one, other)
    deployed = comparison.before.stacks.parameters.get(unit, {})
    old, new = (template.get("Parameters", {}) for template in (one, other))
    for entry in _entries(f"stack {unit}", old, new, renamed):
        names = [name for name in (*old, *new) if f" {name} " in f"{entry.text} "]
        notes = [f"deployed: {name} = {deployed[name]!r}" for name in names if name in deployed]
        yield Entry(entry.mark, entry.text, entry.rows, (*entry.notes, *dict.fromkeys(notes)))


def _entries(
    where: str, before: Mapping[str, Any], after: Mapping[str, Any], renamed: Mapping[str, str]
) -> Iterator[Entry]:
    for name, value in sorted(before.items()):
        if name in renamed:
            note = f"whoever passes {name} must pass {renamed[name]}"
            yield Entry(Mark.CHANGED, f"{where}: {name} is now called {renamed[name]}", (), (note,))
        elif name not in after:
            note = f"whoever passes {name} is refused"
            yield Entry(
                Mark.REMOVED, f"{where}: {name} removed", (_row(value, is_new=False),), (note,)
            )
        elif changed := rows(value, after[name]):
            yield Entry(Mark.CHANGED, f"{where}: {name}", changed)
    for name, value in sorted(after.items()):
        if name not in before and name not in renamed.values():
            is_needed = "DefaultValue" not in value and "Default" not in value
            notes = ("it has no default: every start must pass it",) if is_needed else ()
            yield Entry(Mark.ADDED, f"{where}: {name} added", (_row(value, is_new=True),), notes)


def _row(parameter: Mapping[str, Any], *, is_new: bool) -> Row:
    default = parameter.get("DefaultValue", parameter.get("Default"))
    text = parameter.get("Type", "") + ("" if default is None else f" = {json.dumps(default)}")
    return Row("type", None if is_new else text, text if is_new else None)


def renamed_parameters(before: Definition, after: Definition) -> dict[str, str]:
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
