"""What a setting may be, in words, from the JSON Schema of its model."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]


def is_optional(schema: Schema) -> bool:
    """May the setting be left without a value?"""
    return any(option.get("type") == "null" for option in schema.get("anyOf", ()))


def of_value(schema: Schema) -> Schema:
    """What a value has to be, where one is given."""
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    return options[0] if options else schema


def in_words(schema: Schema) -> str:
    """E.g. `an integer from 1 to 100`, `cpu or gpu`."""
    schema = of_value(schema)
    if "enum" in schema:
        return _either([str(value) for value in schema["enum"]])
    match schema.get("type"):
        case "boolean":
            return "true or false"
        case "integer":
            return _integer(schema)
        case "number":
            return f"a number {_range(schema)}"
        case "array":
            return f"a list of at most {schema['maxItems']}, each {in_words(schema['items'])}"
        case _:
            return _text(schema)


def _integer(schema: Schema) -> str:
    kind = f"a multiple of {schema['multipleOf']:,}" if "multipleOf" in schema else "an integer"
    return f"{kind} {_range(schema)}"


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


def _text(schema: Schema) -> str:
    if "examples" in schema:
        return f"text like {schema['examples'][0]}"
    return f"text that matches {schema['pattern']}" if "pattern" in schema else "text"


def _either(values: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(values[:-1]), values[-1])))
