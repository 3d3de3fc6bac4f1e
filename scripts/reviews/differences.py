"""What differs between two JSON values, path by path."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from scripts.document import Row

# What names an element of a list, in CloudFormation and in SageMaker's requests.
_KEYS = (
    *("Name", "InputName", "OutputName", "ChannelName", "VariantName", "ContainerHostname"),
    *("Id", "Sid", "Key", "AttributeName", "MetricName", "ParameterName"),
)
_LONGEST = 240
_DASHBOARD = "DashboardBody"


def rows(before: Any, after: Any, path: str = "") -> tuple[Row, ...]:
    """The rows in the order of the paths; empty where both mean the same."""
    return tuple(_differ(before, after, path))


def shown(value: Any) -> str:
    """A value in a row's length."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … ({len(text)} characters)"


def dashboard_by_title(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The same properties, a dashboard's body as a digest of what each widget shows, by its title.

    Nobody reads the rest of it in a review, and where a widget stands is no difference.
    """
    try:
        widgets = json.loads(properties[_DASHBOARD])["widgets"]
        by_title = {_title(widget): widget["properties"] for widget in widgets}
    except (ValueError, KeyError, TypeError):
        return dict(properties)
    return {**properties, _DASHBOARD: {title: _digest(what) for title, what in by_title.items()}}


def _differ(before: Any, after: Any, path: str) -> Iterator[Row]:
    if before == after:
        return
    before, after = _parsed(before), _parsed(after)
    match before, after:
        case dict(), dict():
            for key in sorted({**before, **after}):
                yield from _differ_at(before, after, key, f"{path}.{key}" if path else key)
        case (dict(), None) | (None, dict()):
            yield from _differ(before or {}, after or {}, path)
        case list(), list():
            yield from _lists(before, after, path)
        case (list(), None) | (None, list()):
            yield from _lists(before or [], after or [], path)
        case _ if before != after:
            yield Row(path, *(None if side is None else shown(side) for side in (before, after)))


def _differ_at(before: dict[str, Any], after: dict[str, Any], key: str, path: str) -> Iterator[Row]:
    one, other = before.get(key), after.get(key)
    # A key without content is a difference too: `Condition: {}` has no rows of its own.
    if (key in before) != (key in after) and (one or other) in ({}, [], None, ""):
        empty = shown(one if key in before else other)
        yield Row(path, empty if key in before else None, empty if key in after else None)
    else:
        yield from _differ(one, other, path)


def _lists(before: list[Any], after: list[Any], path: str) -> Iterator[Row]:
    one, other = _keyed(before), _keyed(after)
    if one is not None and other is not None:
        for key in [*one, *(key for key in other if key not in one)]:
            yield from _differ(one.get(key), other.get(key), f"{path}[{key}]")
        return
    if Counter(map(shown, before)) == Counter(map(shown, after)):
        yield Row(path, *(", ".join(map(shown, side)) for side in (before, after)))
        return
    gone = [part for part in before if part not in after]
    new = [part for part in after if part not in before]
    if len(gone) == len(new) and all(isinstance(part, dict) for part in (*gone, *new)):
        for old, new_part in zip(gone, new, strict=True):
            yield from _differ(old, new_part, f"{path}[]")
        return
    yield from (Row(f"{path}[]", shown(part), None) for part in gone)
    yield from (Row(f"{path}[]", None, shown(part)) for part in new)


def _keyed(values: list[Any]) -> dict[str, Any] | None:
    """By the name that each element has, or by flag for a command line; None where neither is."""
    if not values:
        return {}
    for key in _KEYS:
        if all(isinstance(part, dict) and isinstance(part.get(key), str) for part in values):
            keyed = {
                part[key]: {name: value for name, value in part.items() if name != key} or part
                for part in values
            }
            return keyed if len(keyed) == len(values) else None
    return _flags(values)


def _flags(values: list[Any]) -> dict[str, Any] | None:
    flags, arguments = values[::2], values[1::2]
    is_command_line = len(flags) == len(arguments) == len(set(map(shown, flags))) and all(
        isinstance(flag, str) and flag.startswith("--") for flag in flags
    )
    return dict(zip(flags, arguments, strict=True)) if is_command_line else None


def _parsed(value: Any) -> Any:
    """JSON inside a string, as dashboards and policies of logs have it."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _digest(shown: Any) -> str:
    return f"widget {hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:8]}"


def _title(widget: Mapping[str, Any]) -> str:
    properties = widget["properties"]
    title: str = properties.get("title") or str(properties.get("markdown", "")).splitlines()[0]
    return title
