"""From what pydantic says to one sentence: where, what is wrong, what to do."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from infra.settings import limits

Schema = Mapping[str, Any]


class SettingsError(Exception):
    """The settings can't be used; the message says which file and key, and why."""


def first_problem(error: ValidationError, model: type[BaseModel]) -> tuple[str, str]:
    """The key that is wrong, empty for the whole, and what is wrong with it and what to do.

    Args:
        model: of all settings; its sections are tables of the file.
    """
    # A key that is misspelt is often why another is missing or fits nothing.
    details = min(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
    path = [part for part in details["loc"] if isinstance(part, str)]
    return ".".join(path), _problem(details, path, model)


def _problem(details: ErrorDetails, path: list[str], model: type[BaseModel]) -> str:
    if details["type"] == "extra_forbidden":
        return f"is no setting: {_nearest(path, model)}"
    if details["type"] == "value_error":
        return details["msg"].removeprefix("Value error, ")
    if details["type"] == "model_type":
        return f"is {_shown(details['input'])}: make it a table, [{path[0]}], with settings in it"
    if details["type"] == "missing":
        return "has no value: give one"
    return f"is {_shown(details['input'])}: give {limits.in_words(_schema(path, model))}"


def keys(model: type[BaseModel]) -> dict[str, Schema]:
    """JSON Schema of each setting by its key in the file, e.g. `training.hosts`."""
    schema = model.model_json_schema()
    found: dict[str, Schema] = {}
    for name, field in schema["properties"].items():
        if "$ref" in field:
            section = schema["$defs"][field["$ref"].rpartition("/")[2]]["properties"]
            found |= {f"{name}.{key}": value for key, value in section.items()}
        else:
            found[name] = field
    return found


def _schema(path: list[str], model: type[BaseModel]) -> Schema:
    return keys(model)[".".join(path[:2])]


def _nearest(path: list[str], model: type[BaseModel]) -> str:
    known = keys(model)
    sections = list(dict.fromkeys(key.partition(".")[0] for key in known if "." in key))
    if len(path) == 1 and (near := get_close_matches(path[0], sections, n=1)):
        return f"did you mean [{near[0]}]"
    fields = {key.rpartition(".")[2]: key for key in reversed(known)}
    here = {key.rpartition(".")[2]: key for key in known if key.split(".")[:-1] == path[:-1]}
    for candidates, cutoff in ((here, 0.7), (fields, 1), (fields, 0.7)):
        if near := get_close_matches(path[-1], list(candidates), n=1, cutoff=cutoff):
            return f"did you mean {candidates[near[0]]}"
    return "take it out; ./scripts/settings shows all there are"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | tuple):
        return "a table" if isinstance(value, dict) else "a list"
    return repr(value) if isinstance(value, str | int | float) else str(value)
