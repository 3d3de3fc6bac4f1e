"""The metrics of endpoints in CloudWatch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rehearsal import aws
from rehearsal.backends import Variant
from rehearsal.endpoints.backend import ProcessEndpoints
from rehearsal.endpoints.metrics import EndpointMetrics, Source
from rehearsal.errors import ApiError
from rehearsal.modes import Modes
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.endpoints.support import ask, deploy
from tests.rehearsal.images.support import wait_until

Statistics = Callable[..., dict[str, Any]]


@pytest.fixture
def statistics(settings: RehearsalSettings) -> Statistics:
    """All that CloudWatch has of a metric, as one period."""
    cloudwatch = aws.client(settings, "cloudwatch")

    def read(metric: str, **dimensions: str) -> dict[str, Any]:
        now = datetime.now(UTC)
        found = cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=86400 * 365,
            Statistics=["Sum", "Average", "SampleCount", "Maximum"],
        )["Datapoints"]
        return found[0] if found else {"SampleCount": 0.0}

    return read


def test_each_invocation_is_counted_with_its_errors_and_its_latency(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant], statistics: Statistics
) -> None:
    deploy(endpoints, "counted", variant(instance_count=2))
    for _ in range(3):
        ask(endpoints, "counted", b"sleep 0.1")
    endpoints.invoke("counted", b"fail", {})
    with pytest.raises(ApiError, match="ModelError"):
        endpoints.invoke("counted", b"die", {})

    def of(metric: str) -> dict[str, Any]:
        return statistics(metric, EndpointName="counted", VariantName="AllTraffic")

    wait_until(lambda: of("Invocations")["SampleCount"] == 5, "all are published")
    assert of("Invocations")["Sum"] == 5
    assert of("InvocationsPerInstance")["Sum"] == 2.5
    assert (of("Invocation4XXErrors")["Sum"], of("Invocation4XXErrors")["Average"]) == (1, 0.2)
    assert (of("Invocation5XXErrors")["Sum"], of("Invocation5XXErrors")["SampleCount"]) == (1, 5)
    assert of("ModelLatency")["Unit"] == "Microseconds"
    assert 100_000 * 0.97 <= of("ModelLatency")["Maximum"] < 60_000_000
    assert of("OverheadLatency")["SampleCount"] == 5


def test_the_fleets_of_an_update_are_told_apart_by_their_configuration(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant], statistics: Statistics
) -> None:
    deploy(endpoints, "apart", variant())
    ask(endpoints, "apart")
    deploy(endpoints, "apart", variant(model="second"))
    ask(endpoints, "apart")
    ask(endpoints, "apart")
    both = {"EndpointName": "apart", "VariantName": "AllTraffic"}

    wait_until(lambda: statistics("Invocations", **both)["SampleCount"] == 3, "all are there")

    assert statistics("Invocations", **both, EndpointConfigName="first")["Sum"] == 1
    assert statistics("Invocations", **both, EndpointConfigName="second")["Sum"] == 2


def test_an_asynchronous_endpoint_has_fewer_metrics(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant], statistics: Statistics
) -> None:
    deploy(endpoints, "queue", variant(), asynchronous=True)
    ask(endpoints, "queue")
    both = {"EndpointName": "queue", "VariantName": "AllTraffic"}

    wait_until(lambda: statistics("ModelLatency", **both)["SampleCount"] == 1, "it is there")

    for metric in ("Invocations", "InvocationsPerInstance", "OverheadLatency"):
        assert statistics(metric, **both)["SampleCount"] == 0


def test_more_values_than_cloudwatch_takes_at_once_all_arrive(
    settings: RehearsalSettings, statistics: Statistics
) -> None:
    metrics = EndpointMetrics(settings, every_seconds=60)
    source = Source("many", "AllTraffic", "config")
    for number in range(2000):
        # From a microsecond to minutes: more distinct values than one datum may have.
        seconds = 1.005**number * 1e-6
        metrics.invocation(source, 200, model=seconds, total=seconds, instances=1)

    metrics.close()

    found = statistics("ModelLatency", EndpointName="many", VariantName="AllTraffic")
    assert found["SampleCount"] == 2000
    assert found["Maximum"] == pytest.approx(1.005**1999, rel=0.025)


def test_late_metrics_come_late_with_the_time_of_what_they_tell(
    settings: RehearsalSettings,
) -> None:
    late = EndpointMetrics(replace(settings, modes=Modes(late_metrics=1.0)), 0.05)
    source = Source("late", "AllTraffic", "config")
    late.invocation(source, 200, model=0.1, total=0.1, instances=1)
    client = aws.client(settings, "cloudwatch")

    def points() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocations",
            Dimensions=source.dimensions[0],
            StartTime=datetime.now(UTC) - timedelta(hours=1),
            EndTime=datetime.now(UTC) + timedelta(hours=1),
            Period=1,
            Statistics=["Sum"],
        )["Datapoints"]
        return found

    wait_until(points, "it comes")
    assert datetime.now(UTC) - points()[0]["Timestamp"] >= timedelta(seconds=1)
    late.close()
