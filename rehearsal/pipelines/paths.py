"""Paths into JSON: `Outputs['manifests'].S3Output.S3Uri`, `metrics.accuracy.value`, `a[0]`.

Used by property references and by JsonGet, whose paths may begin with `$.` (JsonPath):
https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-propertyfile.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

Key = str | int

# A list of a Describe response that AWS addresses by name, and the member that holds the name.
_NAME_MEMBERS = ("OutputName", "InputName")

_TOKEN = re.compile(
    r"""\.?(?P<name>[^.\[\]'"]+)          # a name, after a dot or at the start
      | \[(?P<index>-?\d+)\]              # [0]
      | \[(?P<quote>['"])(?P<key>.*?)(?P=quote)\]  # ['a.b']
    """,
    re.VERBOSE,
)


def parse_path(path: str) -> tuple[Key, ...]:
    """Split a path into names and indices.

    Raises ValueError when it doesn't follow the grammar.
    """
    rest = path[2:] if path.startswith("$.") else path.removeprefix("$")
    keys: list[Key] = []
    at = 0
    while at < len(rest):
        token = _TOKEN.match(rest, at)
        if token is None or (at == 0 and rest.startswith(".")):
            raise ValueError(f"the path '{path}' can't be read at '{rest[at:]}'")
        keys.append(_key(token))
        at = token.end()
    if not keys:
        raise ValueError(f"the path '{path}' is empty")
    return tuple(keys)


def look_up(value: Any, keys: Sequence[Key]) -> Any:
    """Follow keys into a JSON value; raises LookupError naming the key that isn't there."""
    for key in keys:
        value = _member(value, key)
    return value


def name_member(item: Any) -> str | None:
    """The member by which AWS addresses an item of a list, if it has one."""
    if not isinstance(item, Mapping):
        return None
    return next((name for name in _NAME_MEMBERS if name in item), None)


def _key(token: re.Match[str]) -> Key:
    if token["index"] is not None:
        return int(token["index"])
    return token["key"] if token["key"] is not None else token["name"]


def _member(value: Any, key: Key) -> Any:
    if isinstance(value, Mapping) and isinstance(key, str) and key in value:
        return value[key]
    if isinstance(value, list):
        if isinstance(key, int) and -len(value) <= key < len(value):
            return value[key]
        for item in value:
            name = name_member(item)
            if name is not None and item[name] == key:
                return item
    raise LookupError(f"there is no '{key}'")
