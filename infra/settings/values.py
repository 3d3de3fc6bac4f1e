"""Settings as a flat table: key, value, where it is from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infra.settings.environment import Settings
from infra.settings.errors import keys
from infra.settings.loading import Reading

DEFAULT = "default"


@dataclass(frozen=True)
class Value:
    """One setting.

    Attributes:
        key: as in the file, e.g. `training.hosts`.
        source: `default`, the file's name or `-c training_hosts`.
    """

    key: str
    value: Any
    source: str
    description: str


def values(reading: Reading) -> Iterator[Value]:
    """All settings, in the order of the models."""
    given = reading.settings.model_dump(mode="json")
    for key, schema in keys(Settings).items():
        if key != "environment":
            source = reading.sources.get(key, DEFAULT)
            yield Value(key, _value(given, key), source, schema["description"])


def _value(given: dict[str, Any], key: str) -> Any:
    section, _, name = key.rpartition(".")
    return given[section][name] if section else given[name]


def shown(value: Any) -> str:
    """A value as in a file; `none` for what has none."""
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case list():
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(value)
