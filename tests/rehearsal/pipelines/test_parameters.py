from __future__ import annotations

from typing import Any

import pytest

from rehearsal.errors import ApiError
from rehearsal.pipelines.definition import parse, resolve

from .definitions import definition, parameter


def _resolve(parameters: list[dict[str, Any]], **given: str) -> dict[str, Any]:
    return resolve(
        parse(definition(parameters=parameters)),
        [{"Name": name, "Value": value} for name, value in given.items()],
    )


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("String", "1", "1"),
        ("Integer", "-3", -3),
        ("Float", "0.5", 0.5),
        ("Float", "1", 1.0),
        ("Float", "1e-3", 0.001),
        ("Boolean", "true", True),
        ("Boolean", "False", False),
    ],
)
def test_a_given_text_becomes_a_value_of_the_parameter_s_type(
    type_: str, text: str, value: Any
) -> None:
    found = _resolve([parameter("P", type_)], P=text)["P"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        ("Integer", "1.5"),
        ("Integer", "1_0"),
        ("Integer", ""),
        ("Float", "high"),
        ("Float", "nan"),
        ("Boolean", "yes"),
    ],
)
def test_a_text_of_another_type_is_refused(type_: str, text: str) -> None:
    with pytest.raises(ApiError, match=f"Parameter 'P' is of type {type_}: '{text}' isn't"):
        _resolve([parameter("P", type_)], P=text)


def test_a_default_stands_in_and_a_given_value_wins() -> None:
    declared = [parameter("P", "Integer", DefaultValue=3)]
    assert _resolve(declared) == {"P": 3}
    assert _resolve(declared, P="4") == {"P": 4}


def test_a_default_of_zero_or_false_is_a_default() -> None:
    declared = [
        parameter("N", "Integer", DefaultValue=0),
        parameter("B", "Boolean", DefaultValue=False),
    ]
    assert _resolve(declared) == {"N": 0, "B": False}


def test_a_missing_value_is_refused_by_name() -> None:
    with pytest.raises(ApiError, match="Parameter 'P' has no default"):
        _resolve([parameter("P")])


def test_an_unknown_parameter_is_refused_and_the_known_are_named() -> None:
    with pytest.raises(ApiError, match="no parameter 'Q': it has P"):
        _resolve([parameter("P", DefaultValue="x")], Q="y")


def test_a_value_must_be_one_of_those_allowed() -> None:
    declared = [parameter("P", EnumValues=["a", "b"])]
    assert _resolve(declared, P="b") == {"P": "b"}
    with pytest.raises(ApiError, match="must be one of a, b, not 'c'"):
        _resolve(declared, P="c")
