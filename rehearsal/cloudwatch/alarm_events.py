"""What CloudWatch says of an alarm's change of state, in AWS's words:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from rehearsal.cloudwatch.alarm_state import (
    ALARM,
    COMPARISONS,
    INSUFFICIENT_DATA,
    Rule,
    Window,
)

DETAIL_TYPE = "CloudWatch Alarm State Change"
Alarm = dict[str, Any]
"""An alarm as DescribeAlarms has it."""


def reason(rule: Rule, window: Window, before: str, after: str) -> str:
    """Why an alarm went from `before` to `after`."""
    known = [
        f"{value} ({_utc(begin):%d/%m/%y %H:%M:%S})"
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
    time = _utc(at)
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}+0000"


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
