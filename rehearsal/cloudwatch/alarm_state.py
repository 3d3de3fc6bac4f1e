"""From data points to an alarm's state:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

OK = "OK"
ALARM = "ALARM"
INSUFFICIENT_DATA = "INSUFFICIENT_DATA"

COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
_GROWING = frozenset({"Sum", "SampleCount"})

Series = Mapping[int, float]
"""Values by the second at which their period begins; a period without data has none."""


@dataclass(frozen=True)
class Rule:
    """When an alarm goes off.

    Attributes:
        comparison: a key of `COMPARISONS`.
        missing: `missing`, `ignore`, `breaching` or `notBreaching`.
        statistic: of the one metric; None where an expression gives the values.
    """

    comparison: str
    threshold: float
    period_seconds: int
    evaluation_periods: int
    datapoints_to_alarm: int
    missing: str
    statistic: str | None = None

    def breaches(self, value: float) -> bool:
        return COMPARISONS[self.comparison][0](value, self.threshold)


@dataclass(frozen=True)
class Window:
    """The data points that an alarm is judged by.

    Attributes:
        begins: when each period begins, newest first.
        values: one a period, None where there is no data.
    """

    begins: list[int]
    values: list[float | None]


def window(rule: Rule, series: Series, now: float) -> Window:
    """The last `evaluation_periods` periods. The one under way counts where it breaches already, so
    that an alarm goes off at once, or where there is nothing older: else it waits for its end.
    """
    under_way = int(now // rule.period_seconds) * rule.period_seconds
    last = under_way - rule.period_seconds
    value = series.get(under_way)
    if value is not None and not _may_still_recover(rule, value):
        older = any(series.get(begin) is not None for begin in _periods(rule, last))
        if rule.breaches(value) or not older:
            last = under_way
    begins = _periods(rule, last)
    return Window(begins, [series.get(begin) for begin in begins])


def _periods(rule: Rule, last: int) -> list[int]:
    return [last - rule.period_seconds * back for back in range(rule.evaluation_periods)]


def _may_still_recover(rule: Rule, value: float) -> bool:
    """A sum of half a period is too low to say that the sum of the whole will be."""
    growing = rule.statistic is None or rule.statistic in _GROWING
    return growing and rule.comparison.startswith("Less") and rule.breaches(value)


def state(rule: Rule, values: Sequence[float | None], before: str) -> str:
    """The state after `values`, newest first.

    Args:
        before: the state up to now, which some missing data leave as it is.
    """
    known = [rule.breaches(value) for value in values if value is not None]
    breaching, gaps = sum(known), len(values) - len(known)
    if rule.missing in ("breaching", "notBreaching"):
        breaching += gaps if rule.missing == "breaching" else 0
        return ALARM if breaching >= rule.datapoints_to_alarm else OK
    if not known:
        return INSUFFICIENT_DATA if rule.missing == "missing" else before
    if breaching >= rule.datapoints_to_alarm:
        return ALARM
    if not breaching or breaching + gaps < rule.datapoints_to_alarm:
        return OK
    if rule.missing == "missing" and _has_lasted(rule, values):
        return ALARM
    return before


def _has_lasted(rule: Rule, values: Sequence[float | None]) -> bool:
    """The oldest breach is as old as the alarm asks, and nothing since was better."""
    judged = [None if value is None else rule.breaches(value) for value in values]
    oldest = max(age for age, breaches in enumerate(judged) if breaches)
    return oldest + 1 >= rule.datapoints_to_alarm and False not in judged[:oldest]
