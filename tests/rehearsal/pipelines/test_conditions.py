from __future__ import annotations

from typing import Any

import pytest

from rehearsal.pipelines.conditions import all_hold, parse_conditions
from rehearsal.pipelines.expressions import ExpressionError, Scope

from .definitions import equals, get


def _compare(type_: str, left: Any, right: Any) -> dict[str, Any]:
    return {"Type": type_, "LeftValue": left, "RightValue": right}


def _holds(*conditions: dict[str, Any]) -> bool:
    def nothing(*_: str) -> Any:
        raise AssertionError

    scope = Scope({"P": 5}, {}, {}, nothing, nothing, nothing)
    return all_hold(parse_conditions(list(conditions)), scope)


TRUE, FALSE = equals(1, 1), equals(1, 2)


@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        (equals("a", "a"), True),
        (equals("a", "b"), False),
        (equals(1, 1.0), True),
        (equals(True, False), False),
        (_compare("GreaterThan", 2, 1), True),
        (_compare("GreaterThan", 1, 1), False),
        (_compare("GreaterThanOrEqualTo", 1, 1), True),
        (_compare("GreaterThanOrEqualTo", 0.9, 1), False),
        (_compare("LessThan", 1, 2), True),
        (_compare("LessThan", 2, 2), False),
        (_compare("LessThanOrEqualTo", 2, 2), True),
        (_compare("LessThanOrEqualTo", 3, 2), False),
        (_compare("LessThan", get("Parameters.P"), 6), True),
        ({"Type": "In", "QueryValue": get("Parameters.P"), "Values": [4, 5]}, True),
        ({"Type": "In", "QueryValue": 6, "Values": [4, get("Parameters.P")]}, False),
        ({"Type": "In", "QueryValue": "5", "Values": [5]}, False),
        ({"Type": "Not", "Condition": FALSE}, True),
        ({"Type": "Not", "Condition": TRUE}, False),
        ({"Type": "Or", "Conditions": [FALSE, TRUE]}, True),
        ({"Type": "Or", "Conditions": [FALSE, {"Type": "Not", "Condition": TRUE}]}, False),
    ],
)
def test_a_condition_holds_as_its_name_says(condition: dict[str, Any], outcome: bool) -> None:
    assert _holds(condition) is outcome


def test_all_conditions_of_a_step_must_hold() -> None:
    assert _holds(TRUE, TRUE)
    assert not _holds(TRUE, FALSE)
    assert _holds()


def test_values_of_different_kinds_are_not_compared() -> None:
    with pytest.raises(ExpressionError, match=r"can't compare '5', a text, with 5, a number"):
        _holds(equals("5", get("Parameters.P")))
