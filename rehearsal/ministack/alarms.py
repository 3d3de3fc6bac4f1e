"""CloudWatch's alarms. MiniStack judges one when data are put, by all dimensions of its metric in
one heap, and never again: here each is judged as on AWS, every second. Alarms on an expression of
metrics it refuses in a stack, and otherwise forgets.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from ministack.services import cloudwatch, eventbridge

from rehearsal.cloudwatch import alarms, metric_math
from rehearsal.cloudwatch.alarms import COMPARISONS, Rule, Series, state, window
from rehearsal.ministack.loop import Answer, put_event_soon, run_on_loop, scope
from rehearsal.settings import RehearsalSettings
from rehearsal.supervised import Failures

_failures = Failures("alarms")
_announced: dict[str, dict[str, str]] = {}  # the newest shown state by an alarm's ARN
EVERY_SECONDS = 1.0
_PATIENCE_SECONDS = 30.0
LATE_SECONDS: dict[str, float] = {}
"""By namespace, how late its metrics come: its alarms are judged by what there is."""

# So far back `FILL(m1, REPEAT)` looks, beside the periods that are judged.
_EARLIER_PERIODS = 5
# Points come nearly in the order of their times: after so many old ones there is no newer one.
_OLD_IN_A_ROW = 5_000
_ACTIONS = {
    "ALARM": "AlarmActions",
    "OK": "OKActions",
    "INSUFFICIENT_DATA": "InsufficientDataActions",
}

_OF_ONE_METRIC = (
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Period",
    "Unit",
    "Dimensions",
)

Alarm = dict[str, Any]


def dispatch_alarm_actions(
    old: Callable[..., None], alarm: Alarm, before: str, after: str, why: str
) -> None:
    """Sends AWS's event of each change of state, and calls Lambda functions among the actions."""
    arn, now = alarm["AlarmArn"], time.time()
    shown = alarms.shown_state(after, why, alarm.get("StateReasonData"), now)
    previous = _announced.get(arn) or {"value": before}
    _announced[arn] = shown
    detail = alarms.detail(alarm, shown, previous)
    put_event_soon("aws.cloudwatch", alarms.DETAIL_TYPE, detail, [arn])
    old(alarm, before, after, why)
    _call_functions(alarm, after, alarms.action_payload(arn, detail, now))


def put_metric_alarm(
    old: Callable[..., Answer],
    params: dict[str, Any],
    data: dict[str, Any],
    is_cbor: bool,
    is_json: bool = False,
) -> Answer:
    """Takes alarms on an expression; refuses what the rehearsal can't judge."""
    try:
        queries = _queries(data)
    except ValueError as error:
        refused: Answer = cloudwatch._error(
            "ValidationError", str(error), 400, use_json=is_json, use_cbor=is_cbor
        )
        return refused
    answer = old(params, data, is_cbor, is_json)
    if queries and answer[0] == 200:
        alarm = cloudwatch._alarms[data["AlarmName"]]
        _set_queries(alarm, queries)
        cloudwatch._evaluate_alarm(alarm)
    return answer


def metric_alarm_record(
    old: Callable[[str, Alarm], Alarm], name: str, properties: dict[str, Any]
) -> Alarm:
    """The same of a stack's alarms."""
    queries = _queries(properties)
    if not queries:
        return old(name, properties)
    rest = {key: value for key, value in properties.items() if key != "Metrics"}
    alarm = old(name, rest | {"MetricName": "-", "Namespace": "-"})
    _set_queries(alarm, queries)
    return alarm


def _call_functions(alarm: Alarm, after: str, payload: dict[str, Any]) -> None:
    """Lambda functions among the alarm's actions, which MiniStack passes over."""
    actions = alarm.get(_ACTIONS[after]) or [] if alarm.get("ActionsEnabled", True) else []
    for arn in actions:
        if arn.startswith("arn:aws:lambda:"):
            eventbridge._dispatch_to_lambda(arn, json.dumps(payload))


def judge_all() -> None:
    """Time alone changes an alarm's state, too. On MiniStack's loop, where nothing changes its
    metrics meanwhile.
    """
    for (account, region, _), alarm in cloudwatch._alarms.all_items():
        with scope(account, region):
            evaluate_alarm(alarm)


def newest_value(settings: RehearsalSettings, name: str) -> float | None:
    """The newest of the values that an alarm is judged by now; None where it has none. From any
    thread but the loop's.
    """

    async def found() -> float | None:
        with scope(settings.account, settings.region):
            alarm = cloudwatch._alarms.get(name)
            rule = _rule(alarm) if alarm else None
            if rule is None:
                return None
            now = _now(alarm)
            values = window(rule, _series(alarm, rule, now), now).values
            return next((value for value in values if value is not None), None)

    return run_on_loop(found(), _PATIENCE_SECONDS)


def evaluate_alarm(alarm: Alarm) -> None:
    """In the place of MiniStack's own: judges an alarm by all that has come by now."""
    with _failures.watched(str(alarm.get("AlarmName"))):
        rule = _rule(alarm)
        if rule is not None:
            _judge_by(rule, alarm)


def _judge_by(rule: Rule, alarm: Alarm) -> None:
    now = _now(alarm)
    seen = window(rule, _series(alarm, rule, now), now)
    before = alarm["StateValue"]
    after = state(rule, seen.values, before)
    if after == before:
        return
    why = alarms.reason(rule, seen, before, after)
    alarm["StateValue"], alarm["StateReason"] = after, why
    alarm["StateReasonData"] = alarms.reason_data(rule, seen, time.time())
    alarm["StateUpdatedTimestamp"] = alarm["StateTransitionedTimestamp"] = int(time.time())
    cloudwatch._record_history(alarm["AlarmName"], before, after, why)
    cloudwatch._dispatch_alarm_actions(alarm, before, after, why)
    cloudwatch._evaluate_parent_alarms(alarm)


def _now(alarm: Alarm) -> float:
    """The time up to which all that it is judged by has come."""
    queries = alarms.metric_queries(alarm)
    stats = [query["MetricStat"] for query in queries if "MetricStat" in query]
    return time.time() - max(LATE_SECONDS.get(stat["Metric"]["Namespace"], 0.0) for stat in stats)


def _rule(alarm: Alarm) -> Rule | None:
    """None: an alarm that is not whole yet, as PutMetricAlarm has it for a moment."""
    if not alarm.get("Metrics") and not alarm.get("MetricName"):
        return None
    queries = alarms.metric_queries(alarm)
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
    queries = alarms.metric_queries(alarm)
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


def _set_queries(alarm: Alarm, queries: list[dict[str, Any]]) -> None:
    for name in _OF_ONE_METRIC:
        alarm.pop(name, None)
    alarm["Metrics"] = queries


def _queries(alarm: Alarm) -> list[dict[str, Any]]:
    """The Metrics of an alarm with numbers and truths as such, where a template may have text; none
    of an alarm on one metric.

    Raises:
        ValueError: one sentence: it can't be judged here, not exactly one returns data, or an
            expression is none.
    """
    comparison = alarm.get("ComparisonOperator")
    if alarm.get("ThresholdMetricId") or (comparison and comparison not in COMPARISONS):
        raise ValueError(
            f"The rehearsal has no anomaly detection ({comparison}): compare with a Threshold."
        )
    if not alarm.get("Metrics"):
        return []
    queries = []
    for metric in alarm["Metrics"]:
        query = dict(metric)
        query["ReturnData"] = str(query.get("ReturnData", True)).lower() != "false"
        if stat := query.get("MetricStat"):
            query["MetricStat"] = stat | {"Period": int(stat["Period"])}
        queries.append(query)
    returning = [query["Id"] for query in queries if query["ReturnData"]]
    measured = [query["Id"] for query in queries if "MetricStat" in query]
    if len(returning) != 1 or not measured:
        raise ValueError(
            f"The Metrics of an alarm must hold a MetricStat, and one of them has ReturnData true: "
            f"{', '.join(returning) or 'none'} has it."
        )
    expressions = {query["Id"]: query["Expression"] for query in queries if "Expression" in query}
    metric_math.check(expressions, measured)
    return queries
