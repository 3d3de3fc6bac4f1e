"""How settings are read: defaults, the environment's file, and what the command line says."""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from infra.settings.environment import ENVIRONMENTS, Settings
from infra.settings.errors import (
    GONE,
    Schema,
    SettingsError,
    first_problem,
    is_optional,
    nearest,
    schemas,
    value_schema,
)

Context = Mapping[str, Any]
"""CDK context: a setting's value by its name, e.g. `training.hosts`, beside what the CDK keeps."""

_CHECKOUT = Path(__file__).parents[2]
_FOLDER = _CHECKOUT / "infra" / "environments"
_NOTHING: Context = MappingProxyType({})
# What the CDK and its CLI read: https://docs.aws.amazon.com/cdk/v2/guide/context.html
_PREFIXES_OF_THE_CDK = ("@", "aws:", "aws-cdk:")
_NAMES_OF_THE_CDK = ("acknowledged-issue-numbers", "assets-ecr-repository-name", "cli-telemetry")
# Of what it looked up, e.g. `availability-zones:account=123456789012:region=us-east-1`.
_LOOKED_UP = ":account="


@dataclass(frozen=True)
class Reading:
    """Settings and where they are from.

    Attributes:
        sources: by name, e.g. `training.hosts`: the file's name or `-c training.hosts`; what is
            left out has its default.
    """

    settings: Settings
    sources: Mapping[str, str]


def load(environment: str, context: Context = _NOTHING, folder: Path | None = None) -> Settings:
    """Settings of an environment: defaults, then its file, then CDK context.

    Args:
        environment: its name; `dev-anna` is dev with the qualifier anna.
        context: every setting by its name, as text (a list's items between commas, `none` for no
            value) or of its type; keys of the CDK are let be.
        folder: of the files; without it what the environment variable SHARDWISE_ENVIRONMENTS names,
            or infra/environments.

    Raises:
        SettingsError: no such environment, or a key or value that is unknown, of the wrong type or
            out of its limits.
    """
    return read(environment, context, folder).settings


def read(environment: str, context: Context = _NOTHING, folder: Path | None = None) -> Reading:
    """As `load`, with the sources."""
    given = _overrides(context)
    name, _, qualifier = environment.partition("-")
    if qualifier and given.setdefault("qualifier", qualifier) != qualifier:
        raise SettingsError(
            f"-c qualifier: the environment has the qualifier {qualifier} and "
            f"{given['qualifier']} is another: give one of them."
        )
    folder = folder or Path(os.environ.get("SHARDWISE_ENVIRONMENTS") or _FOLDER)
    file = folder / f"{name}.toml"
    if name not in ENVIRONMENTS or not file.is_file():
        raise SettingsError(
            f"There is no environment {name!r}: use one of {', '.join(ENVIRONMENTS)}, with "
            f"its file <environment>.toml in {folder}."
        )
    place = str(file.relative_to(_CHECKOUT) if file.is_relative_to(_CHECKOUT) else file)
    values: dict[str, Any] = {**_content(file, place), "environment": name}
    sources = {key: place for key in _keys(values) if key != "environment"}
    _validate(values, place, ())
    for key, value in given.items():
        table, _, field = key.rpartition(".")
        inside = values.setdefault(table, {}) if table else values
        inside[field] = value
        sources[key] = f"-c {key}"
    return Reading(_validate(values, place, tuple(given)), sources)


def _overrides(context: Context) -> dict[str, Any]:
    """The settings in CDK context, of their types, in the order of the models."""
    known = schemas()
    for name in context:
        if name not in known and name != "environment" and not _is_of_the_cdk(name):
            raise SettingsError(f"-c {name} sets nothing: {_instead(name)}")
    return {
        key: _typed(context[key], schema)
        for key, schema in known.items()
        if context.get(key) is not None
    }


def _is_of_the_cdk(name: str) -> bool:
    return name.startswith(_PREFIXES_OF_THE_CDK) or name in _NAMES_OF_THE_CDK or _LOOKED_UP in name


def _instead(name: str) -> str:
    if name in GONE:
        return f"{GONE[name]}."
    if meant := nearest(name, "environment"):
        return f"did you mean -c {' or -c '.join(meant)}?"
    return "take it out; docs/settings.md has all settings."


def _typed(value: Any, schema: Schema) -> Any:
    """The command line has text alone, where a file has numbers, lists and nothing at all."""
    if not isinstance(value, str):
        return _frozen(value)
    kind = value_schema(schema).get("type")
    if value == "none" and (is_optional(schema) or kind == "array"):
        return () if kind == "array" else None
    kinds: Mapping[str, Callable[[str], Any]] = {
        "boolean": {"true": True, "false": False}.__getitem__,
        "integer": int,
        "number": float,
        "array": lambda text: tuple(item.strip() for item in text.split(",")),
    }
    try:
        return kinds.get(str(kind), str)(value)
    except (KeyError, ValueError):
        return value


def _content(file: Path, place: str) -> dict[str, Any]:
    try:
        # Editors on Windows begin a file with a byte order mark.
        values = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise SettingsError(f"{place} is not UTF-8: save it in that encoding.") from error
    except tomllib.TOMLDecodeError as error:
        reason = str(error)
        raise SettingsError(
            f"{place} is no valid TOML: {reason[:1].lower()}{reason[1:]}."
        ) from error
    except OSError as error:
        raise SettingsError(f"{place} can't be read: {error.strerror}; let it be.") from error
    for name in ("environment", "qualifier"):
        if name in values:
            raise SettingsError(
                f"{place}: {name} is none of a file's settings, which are everyone's: take it "
                "out, and name a sandbox on the command line (-c qualifier=anna)."
            )
    return {name: _frozen(value) for name, value in values.items()}


def _frozen(value: Any) -> Any:
    # TOML's lists are what pydantic calls tuples.
    if isinstance(value, dict):
        return {name: _frozen(inner) for name, inner in value.items()}
    return tuple(_frozen(inner) for inner in value) if isinstance(value, list) else value


def _keys(values: Mapping[str, Any]) -> list[str]:
    keys = []
    for name, value in values.items():
        keys += [f"{name}.{key}" for key in value] if isinstance(value, dict) else [name]
    return keys


def _validate(values: dict[str, Any], file: str, overridden: tuple[str, ...]) -> Settings:
    try:
        return Settings.model_validate(values, strict=True)
    except ValidationError as error:
        key, problem = first_problem(error)
        # The rules between settings hold of file and command line together.
        places = [f"-c {name}" for name in overridden]
        if key in overridden:
            subject = f"-c {key}"
        else:
            source = " with ".join(filter(None, (file, " and ".join(places))))
            subject = f"{source}: {key}" if key else source
        colon = "" if key and problem.startswith(("is ", "has ")) else ":"
        end = "?" if "did you mean" in problem else "."
        raise SettingsError(f"{subject}{colon} {problem}{end}") from error
