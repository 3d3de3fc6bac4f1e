"""What a setting may be, and what is wrong with one, in a sentence: where, what, what to do."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from infra.settings.environment import Settings

Schema = Mapping[str, Any]

# Settings of earlier versions, and what is to be done with each.
GONE = {"shards.compression": "take it out; encoding says now how images lie in records"}


class SettingsError(Exception):
    """The settings can't be used; the message says which file and key, and why."""


@cache
def schemas() -> Mapping[str, Schema]:
    """JSON Schema of each setting by its name, e.g. `training.hosts`, in the models' order."""
    schema = Settings.model_json_schema()
    settings: dict[str, Schema] = {}
    for name, field in schema["properties"].items():
        if "$ref" in field:
            section = schema["$defs"][field["$ref"].rpartition("/")[2]]["properties"]
            settings |= {f"{name}.{key}": value for key, value in section.items()}
        elif name != "environment":
            settings[name] = field
    # A docstring has lines, a description is one.
    return {
        name: {**setting, "description": " ".join(setting["description"].split())}
        for name, setting in settings.items()
    }


def is_optional(schema: Schema) -> bool:
    """May the setting be left without a value?"""
    return any(option.get("type") == "null" for option in schema.get("anyOf", ()))


def value_schema(schema: Schema) -> Schema:
    """What a value has to be, where one is given."""
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    return options[0] if options else schema


def in_words(schema: Schema) -> str:
    """What a value may be, e.g. `an integer from 1 to 100`, `cpu or gpu`."""
    schema = value_schema(schema)
    if "enum" in schema:
        return _either([str(value) for value in schema["enum"]])
    match schema.get("type"):
        case "boolean":
            return "true or false"
        case "integer":
            kind = f"a multiple of {schema['multipleOf']:,}" if "multipleOf" in schema else ""
            return f"{kind or 'an integer'} {_range(schema)}"
        case "number":
            return f"a number {_range(schema)}"
        case "array":
            return f"a list of at most {schema['maxItems']}, each {in_words(schema['items'])}"
    return f"text like {schema['examples'][0]}" if "examples" in schema else "text"


def first_problem(error: ValidationError) -> tuple[str, str]:
    """The key that is wrong, empty for the whole, and what is wrong with it and what to do."""
    # A key that is misspelt is often why another is missing or fits nothing.
    details = min(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
    key = ".".join(part for part in details["loc"] if isinstance(part, str))
    return key, _problem(details, key)


def nearest(key: str, *others: str) -> list[str]:
    """The settings that a misspelt name may mean; none where nothing is alike.

    A setting of the same table comes first, then a whole name, dots or not, then a name without its
    table, which settings of several tables may share.

    Args:
        others: names that may be meant beside those of settings.
    """
    table, _, field = key.rpartition(".")
    here: dict[str, list[str]] = {}
    whole: dict[str, list[str]] = {}
    fields: dict[str, list[str]] = {}
    for name in (*schemas(), *others):
        its_table, _, its_field = name.rpartition(".")
        whole[_plain(name)] = [name]
        fields.setdefault(_plain(its_field), []).append(name)
        if table == its_table:
            here[_plain(its_field)] = [name]
    for spelling, known, cutoff in ((field, here, 0.7), (key, whole, 0.85), (field, fields, 0.75)):
        if near := get_close_matches(_plain(spelling), known, n=1, cutoff=cutoff):
            return known[near[0]]
    return []


def _plain(name: str) -> str:
    return name.lower().translate(str.maketrans(".-:", "___"))


def _problem(details: ErrorDetails, key: str) -> str:
    match details["type"]:
        case "extra_forbidden":
            return f"is no setting: {_instead(key)}"
        case "value_error":
            return details["msg"].removeprefix("Value error, ")
        case "model_type":
            return f"is {_shown(details['input'])}: make it a table, [{key}], with settings in it"
        case "missing":
            return "has no value: give one"
    schema = schemas()[".".join(key.split(".")[:2])]
    return f"is {_shown(details['input'])}: give {in_words(schema)}"


def _instead(key: str) -> str:
    if key in GONE:
        return GONE[key]
    tables = dict.fromkeys(name.partition(".")[0] for name in schemas() if "." in name)
    if "." not in key and (near := get_close_matches(key, tables, n=1)):
        return f"did you mean [{near[0]}]"
    if meant := nearest(key):
        return f"did you mean {_either(meant)}"
    return "take it out; ./scripts/settings shows all there are"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | tuple):
        return "a table" if isinstance(value, dict) else "a list"
    return repr(value) if isinstance(value, str | int | float) else str(value)


def _range(schema: Schema) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f"from {schema['minimum']:,} to {schema['maximum']:,}"
    ends = {
        "above": schema.get("exclusiveMinimum"),
        "at least": schema.get("minimum"),
        "below": schema.get("exclusiveMaximum"),
        "at most": schema.get("maximum"),
    }
    return " and ".join(f"{word} {end:,}" for word, end in ends.items() if end is not None)


def _either(values: Iterable[str]) -> str:
    *others, last = values
    return f"{', '.join(others)} or {last}" if others else last
