"""CloudWatch's alarms. MiniStack judges one when data are put, by all dimensions of its metric in
one heap, and never again: here each is judged as on AWS, every second.
"""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.cloudwatch import alarm_events, metric_math
from rehearsal.cloudwatch.alarm_state import Rule, Series, state, window
from rehearsal.cloudwatch.percentile import percentile
from rehearsal.ministack.loop import main_loop, put_event_soon, scope
from rehearsal.settings import RehearsalSettings
from rehearsal.supervised import Failures

_failures = Failures("alarms")
EVERY_SECONDS = 1.0
_PATIENCE_SECONDS = 30.0
# By namespace, the seconds that its metrics come late: its alarms are judged by what there is.
_LATE: dict[str, float] = {}
# So far back `FILL(m1, REPEAT)` looks, beside the periods that are judged.
_EARLIER_PERIODS = 5
# Points come nearly in the order of their times: after so many old ones there is no newer one.
_OLD_IN_A_ROW = 5_000
_ACTIONS = {
    "ALARM": "AlarmActions",
    "OK": "OKActions",
    "INSUFFICIENT_DATA": "InsufficientDataActions",
}

Alarm = dict[str, Any]


def judge_alarms(late: Mapping[str, float]) -> None:
    """Puts our judgement in the place of MiniStack's, and sends AWS's event of each change.

    Args:
        late: seconds that the metrics of a namespace come late.
    """
    from ministack.services import cloudwatch

    _LATE.update(late)
    cloudwatch._evaluate_alarm = _judge
    # Under load there are many puts a second: all alarms are judged once a second anyway.
    cloudwatch._evaluate_all_alarms = lambda: None
    cloudwatch._percentile = percentile
    send = cloudwatch._dispatch_alarm_actions
    announced: dict[str, dict[str, str]] = {}

    def dispatch(alarm: Alarm, before: str, after: str, why: str) -> None:
        arn, now = alarm["AlarmArn"], time.time()
        shown = alarm_events.shown_state(after, why, alarm.get("StateReasonData"), now)
        previous = announced.get(arn) or {"value": before}
        announced[arn] = shown
        detail = alarm_events.detail(alarm, shown, previous)
        put_event_soon("aws.cloudwatch", alarm_events.DETAIL_TYPE, detail, [arn])
        send(alarm, before, after, why)
        _call_functions(alarm, after, alarm_events.action_payload(arn, detail, now))

    cloudwatch._dispatch_alarm_actions = dispatch


def _call_functions(alarm: Alarm, after: str, payload: dict[str, Any]) -> None:
    """Lambda functions among the alarm's actions, which MiniStack passes over."""
    from ministack.services import eventbridge

    actions = alarm.get(_ACTIONS[after]) or [] if alarm.get("ActionsEnabled", True) else []
    for arn in actions:
        if arn.startswith("arn:aws:lambda:"):
            eventbridge._dispatch_to_lambda(arn, json.dumps(payload))


def judge_all() -> None:
    """Time alone changes an alarm's state, too. On MiniStack's loop, where nothing changes its
    metrics meanwhile.
    """
    from ministack.services import cloudwatch

    for (account, region, _), alarm in cloudwatch._alarms.all_items():
        with scope(account, region):
            _judge(alarm)


def newest_value(settings: RehearsalSettings, name: str) -> float | None:
    """The newest of the values that an alarm is judged by now; None where it has none. From any
    thread but the loop's.
    """

    async def found() -> float | None:
        from ministack.services import cloudwatch

        with scope(settings.account, settings.region):
            alarm = cloudwatch._alarms.get(name)
            rule = _rule(alarm) if alarm else None
            if rule is None:
                return None
            now = _now(alarm)
            values = window(rule, _series(alarm, rule, now), now).values
            return next((value for value in values if value is not None), None)

    return asyncio.run_coroutine_threadsafe(found(), main_loop()).result(_PATIENCE_SECONDS)


def _judge(alarm: Alarm) -> None:
    with _failures.watched(str(alarm.get("AlarmName"))):
        rule = _rule(alarm)
        if rule is not None:
            _judge_by(rule, alarm)


def _judge_by(rule: Rule, alarm: Alarm) -> None:
    from ministack.services import cloudwatch

    now = _now(alarm)
    seen = window(rule, _series(alarm, rule, now), now)
    before = alarm["StateValue"]
    after = state(rule, seen.values, before)
    if after == before:
        return
    why = alarm_events.reason(rule, seen, before, after)
    alarm["StateValue"], alarm["StateReason"] = after, why
    alarm["StateReasonData"] = alarm_events.reason_data(rule, seen, time.time())
    alarm["StateUpdatedTimestamp"] = alarm["StateTransitionedTimestamp"] = int(time.time())
    cloudwatch._record_history(alarm["AlarmName"], before, after, why)
    cloudwatch._dispatch_alarm_actions(alarm, before, after, why)
    cloudwatch._evaluate_parent_alarms(alarm)


def _now(alarm: Alarm) -> float:
    """The time up to which all that it is judged by has come."""
    queries = alarm_events.metric_queries(alarm)
    stats = [query["MetricStat"] for query in queries if "MetricStat" in query]
    return time.time() - max(_LATE.get(stat["Metric"]["Namespace"], 0.0) for stat in stats)


def _rule(alarm: Alarm) -> Rule | None:
    """None: an alarm that is not whole yet, as PutMetricAlarm has it for a moment."""
    if not alarm.get("Metrics") and not alarm.get("MetricName"):
        return None
    queries = alarm_events.metric_queries(alarm)
    stats = [query["MetricStat"] for query in queries if "MetricStat" in query]
    periods = int(alarm.get("EvaluationPeriods") or 1)
    return Rule(
        comparison=alarm["ComparisonOperator"],
        threshold=float(alarm["Threshold"]),
        period_seconds=max(int(stat["Period"]) for stat in stats),
        evaluation_periods=periods,
        datapoints_to_alarm=int(alarm.get("DatapointsToAlarm") or periods),
        missing=alarm.get("TreatMissingData") or "missing",
        statistic=stats[0]["Stat"] if len(queries) == 1 else None,
    )


def _series(alarm: Alarm, rule: Rule, now: float) -> Series:
    """The values that the alarm looks at, by period."""
    queries = alarm_events.metric_queries(alarm)
    newest = int(now // rule.period_seconds) * rule.period_seconds
    count = rule.evaluation_periods + _EARLIER_PERIODS
    begins = [newest - rule.period_seconds * back for back in range(count, -1, -1)]
    metrics, expressions = {}, {}
    for query in queries:
        if "MetricStat" in query:
            metrics[query["Id"]] = _statistics(query["MetricStat"], rule.period_seconds, begins[0])
        else:
            expressions[query["Id"]] = query["Expression"]
    found = metric_math.evaluate(expressions, metrics, begins)
    (returned,) = [query["Id"] for query in queries if query.get("ReturnData", True)]
    return found[returned]


def _statistics(stat: dict[str, Any], period: int, since: int) -> Series:
    from ministack.services import cloudwatch

    metric = stat["Metric"]
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(metric.get("Dimensions") or []))
    key = (metric["Namespace"], metric["MetricName"], dimensions)
    by_period: dict[int, list[dict[str, Any]]] = {}
    for point in _recent(cloudwatch._metrics.get(key) or [], since):
        if stat.get("Unit") in (None, point["Unit"]):
            begin = int(point["Timestamp"] // period) * period
            by_period.setdefault(begin, []).append(point)
    values = {
        begin: cloudwatch._stat_value(cloudwatch._calc_stats(points), stat["Stat"], points)
        for begin, points in by_period.items()
    }
    return {begin: value for begin, value in values.items() if value is not None}


def _recent(points: list[dict[str, Any]], since: int) -> Iterator[dict[str, Any]]:
    old = 0
    for point in reversed(points):
        if point["Timestamp"] >= since:
            old = 0
            yield point
        elif (old := old + 1) == _OLD_IN_A_ROW:
            return
