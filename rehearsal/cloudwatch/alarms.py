"""From data points to an alarm's state, and what AWS says of its changes.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


def percentile(samples: Sequence[tuple[float, float]], percent: float) -> float:
    """As if each value were there as often as its weight says, and linear between two ranks.

    Args:
        samples: values and their weights; at least one.
        percent: 0 to 100.
    """
    ordered = sorted(samples)
    rank = max(sum(weight for _, weight in ordered) - 1, 0) * percent / 100
    lower, part = int(rank), rank % 1
    low, seen = None, 0.0
    for value, weight in ordered:
        seen += weight
        if low is None and lower < seen:
            low = value
        if lower + 1 < seen and low is not None:
            return low + part * (value - low)
    return ordered[-1][0] if low is None else low


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
        """Whether a value is on the wrong side of the threshold."""
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


DETAIL_TYPE = "CloudWatch Alarm State Change"
Alarm = dict[str, Any]
"""An alarm as DescribeAlarms has it."""


def reason(rule: Rule, window: Window, before: str, after: str) -> str:
    """Why an alarm went from `before` to `after`."""
    known = [
        f"{value} ({datetime.fromtimestamp(begin, UTC):%d/%m/%y %H:%M:%S})"
        for begin, value in zip(window.begins, window.values, strict=True)
        if value is not None
    ]
    gaps = len(window.values) - len(known)
    if after == INSUFFICIENT_DATA:
        return f"Insufficient Data: {_counted(gaps, 'datapoint')} {_was(gaps)} unknown."
    if not known:
        return (
            f"Threshold Crossed: no datapoints were received for {_counted(gaps, 'period')} and "
            f"{_counted(gaps, 'missing datapoint')} {_was(gaps)} treated as "
            f"[{'Breaching' if after == ALARM else 'NonBreaching'}]."
        )
    asked = rule.datapoints_to_alarm if after == ALARM else 1
    negation = "" if after == ALARM else "not "
    return (
        f"Threshold Crossed: {len(known)} out of the last "
        f"{_counted(len(window.values), 'datapoint')} [{', '.join(known)}] {_was(len(known))} "
        f"{negation}{COMPARISONS[rule.comparison][1]} the threshold ({rule.threshold}) (minimum "
        f"{_counted(asked, 'datapoint')} for {before} -> {after} transition)."
    )


def reason_data(rule: Rule, window: Window, now: float) -> str:
    """The same as JSON for a program."""
    known = [value for value in reversed(window.values) if value is not None]
    data = {
        "version": "1.0",
        "queryDate": stamp(now),
        "startDate": stamp(min(window.begins)),
        "period": rule.period_seconds,
        "recentDatapoints": known,
        "threshold": rule.threshold,
    }
    if rule.statistic is not None:
        data["statistic"] = rule.statistic
    return json.dumps(data, separators=(",", ":"))


def shown_state(value: str, why: str, data: str | None, at: float) -> dict[str, str]:
    """A state as the event shows it."""
    shown = {"value": value, "reason": why, "timestamp": stamp(at)}
    return shown | ({"reasonData": data} if data else {})


def detail(alarm: Alarm, state: dict[str, str], previous: dict[str, str]) -> dict[str, Any]:
    """The detail of the event."""
    return {
        "alarmName": alarm["AlarmName"],
        "state": state,
        "previousState": previous,
        "configuration": _configuration(alarm),
    }


def action_payload(alarm_arn: str, detail_of_event: dict[str, Any], at: float) -> dict[str, Any]:
    """What a Lambda function that is an alarm's action is called with:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
    """
    _, _, _, region, account, *_ = alarm_arn.split(":")
    return {
        "source": "aws.cloudwatch",
        "alarmArn": alarm_arn,
        "accountId": account,
        "time": stamp(at),
        "region": region,
        "alarmData": detail_of_event,
    }


def _configuration(alarm: Alarm) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if alarm.get("AlarmDescription"):
        shown["description"] = alarm["AlarmDescription"]
    if "AlarmRule" in alarm:
        return shown | {"alarmRule": alarm["AlarmRule"]}
    return shown | {"metrics": [_metric(query) for query in metric_queries(alarm)]}


def metric_queries(alarm: Alarm) -> list[dict[str, Any]]:
    """What an alarm looks at, as the `Metrics` of PutMetricAlarm; one entry for one metric."""
    if alarm.get("Metrics"):
        queries: list[dict[str, Any]] = alarm["Metrics"]
        return queries
    metric = {name: alarm.get(name) or [] for name in ("Namespace", "MetricName", "Dimensions")}
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic")
    stat = {"Metric": metric, "Period": alarm["Period"], "Stat": statistic}
    if alarm.get("Unit"):
        stat["Unit"] = alarm["Unit"]
    return [{"Id": "m1", "MetricStat": stat, "ReturnData": True}]


def _metric(query: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
    shown |= {name.lower(): query[name] for name in ("Expression", "Label") if query.get(name)}
    if stat := query.get("MetricStat"):
        metric = stat["Metric"]
        shown["metricStat"] = {
            "metric": {
                "namespace": metric["Namespace"],
                "name": metric["MetricName"],
                "dimensions": {d["Name"]: d["Value"] for d in metric.get("Dimensions") or []},
            },
            "period": stat["Period"],
            "stat": stat["Stat"],
        }
    return shown


def stamp(at: float) -> str:
    """e.g. 2019-10-02T17:04:40.985+0000."""
    time = datetime.fromtimestamp(at, UTC)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}+0000"


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
