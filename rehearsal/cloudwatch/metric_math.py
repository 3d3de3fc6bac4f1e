"""Expressions of metrics:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html

Arithmetic, comparisons, AND, OR, FILL, IF, ABS, CEIL, FLOOR, METRICS(), and SUM, AVG, MIN, MAX of
several metrics. A value that is missing, or divided by zero, makes the result missing.
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from rehearsal.cloudwatch.alarms import Series

Value = float | None

_SPELLINGS = ((r"\^", "**"), (r"&&|\bAND\b", " and "), (r"\|\||\bOR\b", " or "))
_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_OF_ONE: dict[str, Callable[[float], float]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}
_OF_MANY: dict[str, Callable[[Sequence[float]], float]] = {
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
    "MIN": min,
    "MAX": max,
}
_METRICS = "METRICS"


def check(expressions: Mapping[str, str], metrics: Collection[str]) -> None:
    """Refuses expressions that the rehearsal can't evaluate.

    Args:
        expressions: by id.
        metrics: the ids of the metrics that they may name beside each other.

    Raises:
        ValueError: one sentence: no expression, or one that the rehearsal can't work out.
    """
    evaluate(expressions, {name: {0: 1.0} for name in metrics}, [0])


def evaluate(
    expressions: Mapping[str, str], metrics: Mapping[str, Series], begins: Sequence[int]
) -> dict[str, Series]:
    """The values of metrics and expressions by id.

    Args:
        begins: the periods to work them out for, oldest first.

    Raises:
        ValueError: as `check`.
    """
    found = dict(metrics)
    for name, node in _in_order({name: _parsed(text) for name, text in expressions.items()}):
        sheet = _Sheet(found, begins)
        values = {begin: sheet.value(node, row) for row, begin in enumerate(begins)}
        found[name] = {begin: value for begin, value in values.items() if value is not None}
    return found


def _in_order(nodes: dict[str, ast.expr]) -> Iterator[tuple[str, ast.expr]]:
    """Each after those that it names."""
    waiting = dict(nodes)
    while waiting:
        ready = [name for name, node in waiting.items() if not _names(node) & set(waiting)]
        if not ready:
            raise ValueError(f"The expressions {', '.join(waiting)} name each other: untie them.")
        for name in ready:
            yield name, waiting.pop(name)


def _names(node: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _parsed(expression: str) -> ast.expr:
    text = expression
    for pattern, replacement in _SPELLINGS:
        text = re.sub(pattern, replacement, text)
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise ValueError(f"The expression {expression} is no metric math: write it anew.") from None


class _Sheet:
    """A table of metrics by period, over which expressions are worked out."""

    def __init__(self, series: Mapping[str, Series], begins: Sequence[int]) -> None:
        self._series, self._begins = series, begins

    def value(self, node: ast.expr, row: int) -> Value:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name):
                return self._metric(name).get(self._begins[row])
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments, row)
        return self._operation(node, row)

    def _operation(self, node: ast.expr, row: int) -> Value:
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _apply(operator.neg, self.value(operand, row))
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _ARITHMETIC:
                both = self.value(left, row), self.value(right, row)
                return _apply(_ARITHMETIC[type(sign)], *both)
            case ast.Compare(left=left, ops=[sign], comparators=[right]) if (
                type(sign) in _COMPARISONS
            ):
                both = self.value(left, row), self.value(right, row)
                return _apply(_COMPARISONS[type(sign)], *both)
            case ast.BoolOp(op=sign, values=values):
                found = [self.value(value, row) for value in values]
                return _apply(all if isinstance(sign, ast.And) else any, found)
        raise ValueError(f"The rehearsal's metric math has no {ast.unparse(node)}: leave that out.")

    def _metric(self, name: str) -> Series:
        if name not in self._series:
            raise ValueError(f"The expression names {name}, which is no id: name one of its list.")
        return self._series[name]

    def _call(self, name: str, arguments: list[ast.expr], row: int) -> Value:
        match name, arguments:
            case "FILL", [filled, filler]:
                return self._filled(filled, filler, row)
            case "IF", [condition, then, *otherwise] if len(otherwise) <= 1:
                chosen = [then] if self.value(condition, row) else otherwise
                return self.value(chosen[0], row) if chosen else None
            case _, [argument] if name in _OF_ONE:
                return _apply(_OF_ONE[name], self.value(argument, row))
            case _, [argument] if name in _OF_MANY:
                known = [value for value in self._many(argument, row) if value is not None]
                return _OF_MANY[name](known) if known else None
        raise ValueError(f"The rehearsal has no {name} of metric math with such arguments.")

    def _filled(self, filled: ast.expr, filler: ast.expr, row: int) -> Value:
        if not (isinstance(filler, ast.Name) and filler.id == "REPEAT"):
            found = self.value(filled, row)
            return self.value(filler, row) if found is None else found
        for earlier in range(row, -1, -1):
            if (found := self.value(filled, earlier)) is not None:
                return found
        return None

    def _many(self, node: ast.expr, row: int) -> list[Value]:
        match node:
            case ast.List(elts=elements):
                return [self.value(element, row) for element in elements]
            case ast.Call(func=ast.Name(id=name), args=arguments) if name == _METRICS:
                part = ast.literal_eval(arguments[0]) if arguments else ""
                begin = self._begins[row]
                return [found.get(begin) for query, found in self._series.items() if part in query]
        raise ValueError(
            "The rehearsal's SUM, AVG, MIN and MAX take a list of metrics in brackets or METRICS()."
        )


def _apply(function: Callable[..., float], *values: Value | list[Value]) -> Value:
    if None in values or any(isinstance(value, list) and None in value for value in values):
        return None
    try:
        result = function(*values)
    except (ZeroDivisionError, OverflowError):
        return None
    return None if isinstance(result, complex) else float(result)
