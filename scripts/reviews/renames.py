"""Parameters that only have another name."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.assembly import Definition


def renamed_parameters(before: Definition, after: Definition) -> dict[str, str]:
    """New names of a pipeline's parameters by the old ones.

    One that is gone and one that is new are the same where type, default and every place that uses
    them are.
    """
    old, new = _parameters(before), _parameters(after)
    gone = {name: value for name, value in old.items() if name not in new}
    made = {name: value for name, value in new.items() if name not in old}
    return _paired(
        {name: (value, _uses(before, name)) for name, value in gone.items()},
        {name: (value, _uses(after, name)) for name, value in made.items()},
    )


def renamed_template_parameters(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, str]:
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


def _paired(gone: Mapping[str, Any], made: Mapping[str, Any]) -> dict[str, str]:
    """Only where each has exactly one that is like it."""
    found = {}
    for name, value in gone.items():
        alike = [other for other, made_value in made.items() if made_value == value]
        others = [other for other, gone_value in gone.items() if gone_value == value]
        if len(alike) == len(others) == 1:
            found[name] = alike[0]
    return found


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
