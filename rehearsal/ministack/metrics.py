"""Metrics that MiniStack does not put: of the metric filters of CloudWatch Logs, which it keeps and
does not apply, and of SQS's queues.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

import json
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import cloudwatch, cloudwatch_logs, sqs

from rehearsal.cloudwatch import filter_pattern
from rehearsal.ministack.loop import Answer, scope, soon
from rehearsal.supervised import Failures

_MINUTE = 60
FILTERS_EVERY_SECONDS = 1.0
QUEUES_EVERY_SECONDS = 5.0
_filter_failures = Failures("metric filters")
_queue_failures = Failures("queue metrics")

Request = dict[str, Any]
Filter = dict[str, Any]
Event = dict[str, Any]
_matcher = lru_cache(maxsize=256)(filter_pattern.compiled)
# (account, region, log group, filter) -> minutes with events, and whether one of them matched.
_minutes: dict[tuple[str, str, str, str], dict[int, bool]] = {}


def put_metric_filter(old: Callable[[Request], Answer], data: Request) -> Answer:
    """Refuses patterns that the rehearsal can't follow."""
    try:
        _check(data)
    except ValueError as error:
        refused: Answer = error_response_json("InvalidParameterException", str(error), 400)
        return refused
    return old(data)


def put_log_events(old: Callable[[Request], Answer], data: Request) -> Answer:
    """Applies the group's filters to each event that is taken."""
    answer = old(data)
    if answer[0] == 200:
        soon(lambda: _apply(data["logGroupName"], data.get("logEvents") or []))
    return answer


def put_filter_defaults() -> None:
    """A minute that had events and no match gets the filter's default value."""
    for (account, region, group, name), minutes in list(_minutes.items()):
        over = [minute for minute in minutes if minute + _MINUTE <= time.time()]
        with _filter_failures.watched(f"{group} {name}"), scope(account, region):
            found = cloudwatch_logs._metric_filters.get((group, name))
            for minute in over:
                if not minutes.pop(minute) and found:
                    _put_defaults(found, minute)


def put_queue_metrics() -> None:
    """`ApproximateNumberOfMessagesVisible` of every queue that is there."""
    for (account, region, url), queue in list(sqs._queues._data.items()):
        with _queue_failures.watched(url), scope(account, region):
            sqs._refresh_counts(queue)
            cloudwatch.record_metric(
                "AWS/SQS",
                "ApproximateNumberOfMessagesVisible",
                float(queue["attributes"]["ApproximateNumberOfMessages"]),
                "Count",
                {"QueueName": queue["name"]},
            )


def _check(data: Request) -> None:
    """Raises ValueError, with one sentence, for what is not followed here."""
    _matcher(data.get("filterPattern") or "")
    for transformation in data.get("metricTransformations") or []:
        if transformation.get("dimensions") and transformation.get("defaultValue") is not None:
            raise ValueError(
                f"The metric {transformation['metricName']} has dimensions and a default value: "
                "CloudWatch Logs takes one of them."
            )


def _apply(group: str, events: list[Event]) -> None:
    for found in cloudwatch_logs._metric_filters.values():
        if found["logGroupName"] == group:
            key = get_account_id(), get_region(), group, found["filterName"]
            with _filter_failures.watched(f"{group} {found['filterName']}"):
                _apply_one(found, _minutes.setdefault(key, {}), events)


def _apply_one(found: Filter, minutes: dict[int, bool], events: list[Event]) -> None:
    matches = _matcher(found["filterPattern"] or "")
    for event in events:
        minute = int(event["timestamp"] / 1000 // _MINUTE) * _MINUTE
        matched = matches(event["message"])
        minutes[minute] = minutes.get(minute, False) or matched
        if matched:
            _put(found, event)


def _put(found: Filter, event: Event) -> None:
    """The data points of an event that matches."""
    for transformation in found["metricTransformations"]:
        value = _read(transformation["metricValue"], event["message"])
        dimensions = {
            name: _read(selector, event["message"])
            for name, selector in (transformation.get("dimensions") or {}).items()
        }
        number = _number(value)
        # Without its value or one of its dimensions an event gives no data point.
        if number is not None and None not in dimensions.values():
            shown = {name: _text(found) for name, found in dimensions.items()}
            _store(transformation, shown, event["timestamp"] / 1000, number)


def _put_defaults(found: Filter, minute: int) -> None:
    for transformation in found["metricTransformations"]:
        default = transformation.get("defaultValue")
        if default is not None:
            _store(transformation, {}, float(minute), float(default))


def _store(
    transformation: dict[str, Any], dimensions: dict[str, str], at: float, value: float
) -> None:
    cloudwatch._store_datum(
        transformation["metricNamespace"],
        transformation["metricName"],
        dimensions,
        at,
        transformation.get("unit") or "None",
        value,
        None,
        None,
        None,
    )


def _read(given: str, message: str) -> Any:
    return filter_pattern.value_of(given, message) if given.startswith("$") else given


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
