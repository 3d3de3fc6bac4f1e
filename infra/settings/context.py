"""CDK context: what can be set on the command line, and what looks as if it could."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from infra.settings import limits
from infra.settings.environment import Settings
from infra.settings.errors import SettingsError, keys
from infra.settings.overrides import OVERRIDES

_OTHERS = ("environment", "qualifier")
# What the CDK and its CLI read: https://docs.aws.amazon.com/cdk/v2/guide/context.html
_PREFIXES_OF_THE_CDK = ("@", "aws:", "aws-cdk:")
_NAMES_OF_THE_CDK = ("acknowledged-issue-numbers", "assets-ecr-repository-name", "cli-telemetry")
# Of what it looked up, e.g. `availability-zones:account=123456789012:region=us-east-1`.
_LOOKED_UP = ":account="


def overrides(context: Callable[[str], Any], qualifier: str) -> dict[str, tuple[str, Any]]:
    """Context key and value by the setting's key, e.g. `training.hosts`.

    Args:
        context: the value of a context key, or None.
        qualifier: the one that the environment was named with, or nothing.

    Raises:
        SettingsError: two qualifiers.
    """
    schemas = keys(Settings)
    found = {}
    for name, (section, field) in OVERRIDES.items():
        key = f"{section}.{field}"
        if (value := context(name)) is not None:
            found[key] = name, _typed(value, limits.of_value(schemas[key]))
    asked = context("qualifier")
    if qualifier and asked and asked != qualifier:
        raise SettingsError(
            f"-c qualifier: the environment has the qualifier {qualifier} and {asked} is another: "
            "give one of them."
        )
    if qualifier or asked:
        found["qualifier"] = "qualifier", qualifier or asked
    return found


def check_context(names: Iterable[str]) -> None:
    """Refuses keys that nothing would read.

    Args:
        names: all keys of the CDK context; those of the CDK and its CLI are let be.

    Raises:
        SettingsError: a key is unknown, or a setting that only a file sets.
    """
    known = [*OVERRIDES, *_OTHERS]
    by_field: dict[str, list[str]] = {}
    for key in keys(Settings):
        by_field.setdefault(key.rpartition(".")[2], []).append(key)
        by_field[key] = [key]
    for name in names:
        if name in known or _is_of_the_cdk(name):
            continue
        if name in by_field:
            raise SettingsError(f"-c {name} sets nothing: {_instead(by_field[name])}.")
        raise SettingsError(f"-c {name} sets nothing: {_nearest(name, known, by_field)}")


def _is_of_the_cdk(name: str) -> bool:
    return name.startswith(_PREFIXES_OF_THE_CDK) or name in _NAMES_OF_THE_CDK or _LOOKED_UP in name


def _nearest(name: str, known: list[str], by_field: Mapping[str, list[str]]) -> str:
    spelt = name.replace("-", "_")
    if near := get_close_matches(spelt, known, n=1, cutoff=0.8):
        return f"did you mean -c {near[0]}?"
    if near := get_close_matches(spelt, by_field, n=1, cutoff=0.8):
        return f"if you mean {near[0]}, {_instead(by_field[near[0]])}."
    if near := get_close_matches(spelt, known, n=1, cutoff=0.5):
        return f"did you mean -c {near[0]}? docs/settings.md has all settings."
    return "take it out; docs/settings.md has all settings, and what -c calls them."


def _instead(meant: list[str]) -> str:
    by_key = {f"{section}.{field}": name for name, (section, field) in OVERRIDES.items()}
    if names := [by_key[key] for key in meant if key in by_key]:
        return f"give -c {names[0]}"
    return f"give {' or '.join(meant)} in infra/environments/<environment>.toml"


def _typed(value: Any, schema: limits.Schema) -> Any:
    """The command line has text alone, where a file has numbers."""
    kind = schema.get("type")
    if not isinstance(value, str) or kind == "string":
        return value
    try:
        if kind == "boolean":
            return {"true": True, "false": False}[value]
        return int(value) if kind == "integer" else float(value)
    except (KeyError, ValueError):
        return value
