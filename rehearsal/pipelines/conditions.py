"""The conditions of a Condition step.

Source: sagemaker.core.workflow.conditions of the SageMaker Python SDK, and
https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-condition
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from rehearsal.pipelines.definition import Part
from rehearsal.pipelines.expressions import ExpressionError, Scope, evaluate

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


class Comparison(Part):
    """Equals, and greater or less than."""

    type: Literal["Equals", "GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo"]
    left_value: Any
    right_value: Any

    def holds(self, scope: Scope) -> bool:
        """Whether it holds; raises ExpressionError."""
        left, right = evaluate(self.left_value, scope), evaluate(self.right_value, scope)
        if _kind(left) != _kind(right):
            raise ExpressionError(
                f"{self.type} can't compare {left!r}, a {_kind(left)}, with {right!r}, "
                f"a {_kind(right)}."
            )
        return _COMPARE[self.type](left, right)


class In(Part):
    """Whether a value is among others."""

    type: Literal["In"]
    query_value: Any
    values: tuple[Any, ...]

    def holds(self, scope: Scope) -> bool:
        """Whether it holds; raises ExpressionError."""
        query = evaluate(self.query_value, scope)
        values = (evaluate(value, scope) for value in self.values)
        return any(_kind(value) == _kind(query) and value == query for value in values)


class Not(Part):
    """The contrary of a condition."""

    type: Literal["Not"]
    condition: Condition

    def holds(self, scope: Scope) -> bool:
        """Whether it holds; raises ExpressionError."""
        return not self.condition.holds(scope)


class Or(Part):
    """Whether one of several conditions holds."""

    type: Literal["Or"]
    conditions: tuple[Condition, ...]

    def holds(self, scope: Scope) -> bool:
        """Whether it holds; raises ExpressionError."""
        return any(condition.holds(scope) for condition in self.conditions)


Condition = Annotated[Comparison | In | Not | Or, Field(discriminator="type")]
_CONDITIONS = TypeAdapter(tuple[Condition, ...])


def parse_conditions(conditions: Any) -> tuple[Condition, ...]:
    """Read `Arguments.Conditions`; raises pydantic.ValidationError."""
    return _CONDITIONS.validate_python(conditions)


def all_hold(conditions: Sequence[Condition], scope: Scope) -> bool:
    """The outcome of a Condition step: whether every condition holds; raises ExpressionError."""
    return all(condition.holds(scope) for condition in conditions)


def _kind(value: Any) -> str:
    # Integers and floats compare with each other; booleans are no numbers.
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else type(value).__name__
