"""How settings are read, and where each of them comes from."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from infra.settings.context import overrides
from infra.settings.environment import ENVIRONMENTS, Settings
from infra.settings.errors import SettingsError, first_problem

FOLDER = Path(__file__).parents[1] / "environments"
_CHECKOUT = Path(__file__).parents[2]

Context = Callable[[str], Any]


@dataclass(frozen=True)
class Reading:
    """Settings and where they are from.

    Attributes:
        sources: by key, e.g. `training.hosts`: the file's name or `-c training_hosts`; what is left
            out has its default.
    """

    settings: Settings
    sources: Mapping[str, str]


def load(environment: str, context: Context = lambda _: None, folder: Path = FOLDER) -> Settings:
    """Settings of `environment`: defaults, then its file, then the overrides in CDK context.

    Args:
        environment: its name; `dev-anna` is dev with the qualifier anna.
        context: the value of a CDK context key, or None; the overridable keys are those of
            `OVERRIDES`.

    Raises:
        SettingsError: no such environment, or a value that is unknown, of the wrong type or out of
            its limits.
    """
    return read(environment, context, folder).settings


def read(environment: str, context: Context = lambda _: None, folder: Path = FOLDER) -> Reading:
    """As `load`, with the sources."""
    environment, _, qualifier = environment.partition("-")
    file = folder / f"{environment}.toml"
    if environment not in ENVIRONMENTS or not file.is_file():
        raise SettingsError(
            f"There is no environment {environment!r}: use one of {', '.join(ENVIRONMENTS)}, with "
            f"its file <environment>.toml in {folder}."
        )
    shown = shown_file(file)
    values: dict[str, Any] = {**_content(file, shown), "environment": environment}
    sources = {key: shown for key in _keys(values) if key != "environment"}
    _validate(values, shown, {})
    given = overrides(context, qualifier)
    for key, (name, value) in given.items():
        section, _, field = key.rpartition(".")
        if section:
            values[section] = {**values.get(section, {}), field: value}
        else:
            values[field] = value
        sources[key] = f"-c {name}"
    settings = _validate(values, shown, {key: f"-c {name}" for key, (name, _) in given.items()})
    return Reading(settings, sources)


def shown_file(file: Path) -> str:
    """A file's path as one types it in this checkout."""
    return str(file.relative_to(_CHECKOUT) if file.is_relative_to(_CHECKOUT) else file)


def _content(file: Path, shown: str) -> dict[str, Any]:
    try:
        # Editors on Windows begin a file with a byte order mark.
        values = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise SettingsError(f"{shown} is not UTF-8: save it in that encoding.") from error
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        raise SettingsError(f"{shown} is no valid TOML: {said[:1].lower()}{said[1:]}.") from error
    except OSError as error:
        raise SettingsError(f"{shown} can't be read: {error.strerror}; let it be.") from error
    for name in ("environment", "qualifier"):
        if name in values:
            raise SettingsError(
                f"{shown}: {name} is none of a file's settings, which are everyone's: take it "
                "out, and name a sandbox on the command line (-c qualifier=anna)."
            )
    return {name: _frozen(value) for name, value in values.items()}


def _frozen(value: Any) -> Any:
    # TOML's lists are what pydantic calls tuples.
    if isinstance(value, dict):
        return {name: _frozen(inner) for name, inner in value.items()}
    return tuple(_frozen(inner) for inner in value) if isinstance(value, list) else value


def _keys(values: Mapping[str, Any]) -> list[str]:
    found = []
    for name, value in values.items():
        found += [f"{name}.{key}" for key in value] if isinstance(value, dict) else [name]
    return found


def _validate(values: dict[str, Any], file: str, overridden: Mapping[str, str]) -> Settings:
    try:
        return Settings.model_validate(values, strict=True)
    except ValidationError as error:
        key, problem = first_problem(error, Settings)
        # The rules between settings hold of file and command line together.
        source = overridden.get(key) or " with ".join(
            filter(None, (file, " and ".join(overridden.values())))
        )
        said = f"{key} {problem}" if problem.startswith(("is ", "has ")) else f"{key}: {problem}"
        raise SettingsError(f"{source}: {said if key else problem}{_end(problem)}") from error


def _end(problem: str) -> str:
    return "?" if "did you mean" in problem else "."
