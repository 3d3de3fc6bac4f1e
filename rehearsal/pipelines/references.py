"""What a JSON value of a definition refers to: parameters, steps, property files; and the paths
into JSON by which it does: `Outputs['manifests'].S3Output.S3Uri`, `metrics.accuracy.value`, `a[0]`.

JsonGet's paths may begin with `$.` (JsonPath):
https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-propertyfile.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

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

FUNCTIONS = ("Get", "Std:Join", "Std:JsonGet")


Kind = Literal[
    "parameter", "execution variable", "experiment property", "property", "property file"
]
_NAMED: Mapping[str, Kind] = {
    "Parameters": "parameter",
    "Execution": "execution variable",
    "PipelineExperimentConfig": "experiment property",
}


@dataclass(frozen=True)
class Reference:
    """The text of a `Get`, read.

    Attributes:
        kind: a `property` is a member of what a step's Describe operation answers; only JsonGet can
            use a `property file`.
        name: of the parameter, variable or experiment property; else of the step.
        path: to the property; of a property file, its name.
    """

    text: str
    kind: Kind
    name: str
    path: tuple[Key, ...] = ()

    @property
    def is_of_step(self) -> bool:
        """Whether it is to what another step makes."""
        return self.kind in ("property", "property file")


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
    if rest and scope in _NAMED:
        return Reference(text, _NAMED[scope], rest)
    if rest and scope == "Steps":
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
        return Reference(text, "property file", step, keys[1:])
    return Reference(text, "property", step, keys)


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
