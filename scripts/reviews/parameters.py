"""Parameters of the templates and of the pipeline."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from scripts.reviews.comparison import Comparison
from scripts.reviews.differences import Row, rows
from scripts.reviews.document import Entry, Mark
from scripts.reviews.pipelines import read
from scripts.reviews.renames import renamed_template_parameters


def parameter_entries(comparison: Comparison, renamed: Mapping[str, str]) -> Iterator[Entry]:
    """Added, removed, renamed and changed ones.

    Args:
        renamed: new names of the pipeline's parameters by the old ones.
    """
    old = read(comparison.before, comparison.plain_before).definition
    new = read(comparison.after, comparison.plain_after).definition
    if old is not None and new is not None:
        before, after = (
            {p["Name"]: p for p in side.content.get("Parameters", [])} for side in (old, new)
        )
        yield from _entries("pipeline", before, after, renamed)
    for unit in sorted({**comparison.before.templates, **comparison.after.templates}):
        if unit in comparison.before.templates and unit in comparison.after.templates:
            yield from _of_template(comparison, unit)


def _of_template(comparison: Comparison, unit: str) -> Iterator[Entry]:
    one, other = comparison.before.template(unit), comparison.after.template(unit)
    renamed = renamed_template_parameters(one, other)
    deployed = comparison.before.parameters.get(unit, {})
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
        elif found := rows(value, after[name]):
            yield Entry(Mark.CHANGED, f"{where}: {name}", found)
    for name, value in sorted(after.items()):
        if name not in before and name not in renamed.values():
            is_needed = "DefaultValue" not in value and "Default" not in value
            notes = ("it has no default: every start must pass it",) if is_needed else ()
            yield Entry(Mark.ADDED, f"{where}: {name} added", (_row(value, is_new=True),), notes)


def _row(parameter: Mapping[str, Any], *, is_new: bool) -> Row:
    default = parameter.get("DefaultValue", parameter.get("Default"))
    text = parameter.get("Type", "") + ("" if default is None else f" = {json.dumps(default)}")
    return Row("type", None if is_new else text, text if is_new else None)
