"""Alarms on an expression of metrics, which MiniStack refuses in a stack and otherwise forgets."""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

from typing import Any

from rehearsal.cloudwatch import metric_math
from rehearsal.cloudwatch.alarm_state import COMPARISONS
from rehearsal.ministack.services import Answer

Alarm = dict[str, Any]

_OF_ONE_METRIC = (
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Period",
    "Unit",
    "Dimensions",
)


def take_metric_math_alarms() -> None:
    """By PutMetricAlarm and by CloudFormation. `rehearsal.ministack.alarms` judges them."""
    _by_request()
    _by_stack()


def _by_request() -> None:
    from ministack.services import cloudwatch

    put = cloudwatch._put_metric_alarm

    def put_metric_alarm(
        params: dict[str, Any], data: dict[str, Any], is_cbor: bool, is_json: bool = False
    ) -> Answer:
        try:
            _check_comparison(data.get("ComparisonOperator"), data.get("ThresholdMetricId"))
            queries = _queries(data["Metrics"]) if data.get("Metrics") else None
        except ValueError as error:
            refused: Answer = cloudwatch._error(
                "ValidationError", str(error), 400, use_json=is_json, use_cbor=is_cbor
            )
            return refused
        answer: Answer = put(params, data, is_cbor, is_json)
        if queries and answer[0] == 200:
            alarm = cloudwatch._alarms[data["AlarmName"]]
            _look_at(alarm, queries)
            cloudwatch._evaluate_alarm(alarm)
        return answer

    cloudwatch._put_metric_alarm = put_metric_alarm


def _by_stack() -> None:
    from ministack.services.cloudformation import provisioners

    record = provisioners._cw_metric_alarm_record

    def metric_alarm_record(name: str, properties: dict[str, Any]) -> Alarm:
        _check_comparison(properties.get("ComparisonOperator"), properties.get("ThresholdMetricId"))
        if not properties.get("Metrics"):
            plain: Alarm = record(name, properties)
            return plain
        queries = _queries(properties["Metrics"])
        rest = {key: value for key, value in properties.items() if key != "Metrics"}
        alarm: Alarm = record(name, rest | {"MetricName": "-", "Namespace": "-"})
        _look_at(alarm, queries)
        return alarm

    provisioners._cw_metric_alarm_record = metric_alarm_record


def _look_at(alarm: Alarm, queries: list[dict[str, Any]]) -> None:
    for name in _OF_ONE_METRIC:
        alarm.pop(name, None)
    alarm["Metrics"] = queries


def _check_comparison(comparison: str | None, threshold_metric: str | None) -> None:
    if threshold_metric or (comparison and comparison not in COMPARISONS):
        raise ValueError(
            f"The rehearsal has no anomaly detection ({comparison}): compare with a Threshold."
        )


def _queries(metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """MetricDataQueries with numbers and truths as such, where a template may have text.

    Raises:
        ValueError: one sentence: not exactly one returns data, or an expression is none.
    """
    queries = []
    for metric in metrics:
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
