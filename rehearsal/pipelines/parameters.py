"""The values of an execution's parameters: given as text, typed by the definition."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from rehearsal.errors import validation
from rehearsal.pipelines.model import Definition, Parameter, Value

_BOOLEANS = {"true": True, "false": False}
_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def resolve(definition: Definition, given: Iterable[Mapping[str, str]]) -> dict[str, Value]:
    """Values by parameter name, from `[{"Name": …, "Value": …}]` and the defaults.

    Raises ApiError (ValidationException) for an unknown name, a missing value, a value of another
    type or none of EnumValues.
    """
    texts = {item["Name"]: item["Value"] for item in given}
    for name in texts:
        if name not in definition.parameters:
            known = ", ".join(definition.parameters) or "none"
            raise validation(f"The pipeline has no parameter '{name}': it has {known}.")
    return {
        name: _value(parameter, texts.get(name))
        for name, parameter in definition.parameters.items()
    }


def check_default(parameter: Parameter) -> None:
    """Refuse a default that isn't of the parameter's type, or none of EnumValues."""
    default = parameter.default_value
    if default is not None:
        _check_enum(parameter, typed(parameter, str(default)))


def typed(parameter: Parameter, text: str) -> Value:
    """A text as a value of the parameter's type; raises ApiError."""
    match parameter.type:
        case "String":
            return text
        case "Integer" if _INTEGER.fullmatch(text):
            return int(text)
        case "Float" if _FLOAT.fullmatch(text):
            return float(text)
        case "Boolean" if text.lower() in _BOOLEANS:
            return _BOOLEANS[text.lower()]
    raise validation(f"Parameter '{parameter.name}' is of type {parameter.type}: '{text}' isn't.")


def _value(parameter: Parameter, text: str | None) -> Value:
    if text is None:
        if parameter.default_value is None:
            raise validation(f"Parameter '{parameter.name}' has no default: give it a value.")
        text = str(parameter.default_value)
    return _check_enum(parameter, typed(parameter, text))


def _check_enum(parameter: Parameter, value: Value) -> Value:
    if parameter.enum_values and value not in parameter.enum_values:
        allowed = ", ".join(parameter.enum_values)
        raise validation(f"Parameter '{parameter.name}' must be one of {allowed}, not '{value}'.")
    return value
