"""Metrics that AWS does not publish itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Point:
    """One data point.

    Attributes:
        unit: CloudWatch's word, e.g. `Count`, `Seconds` or `None`.
        dimensions: By name, e.g. `PipelineName`.
    """

    name: str
    value: float
    unit: str
    dimensions: Mapping[str, str] = field(default_factory=dict)


def put_points(
    client: Any, namespace: str, points: Iterable[Point], time: datetime | None = None
) -> None:
    """Publishes points, if there are any.

    Args:
        client: Of CloudWatch.
        time: Of all of them; now if None.
    """
    stamp = {} if time is None else {"Timestamp": time}
    data = [
        {
            "MetricName": point.name,
            "Dimensions": [{"Name": name, "Value": of} for name, of in point.dimensions.items()],
            "Value": point.value,
            "Unit": point.unit,
            **stamp,
        }
        for point in points
    ]
    if data:
        client.put_metric_data(Namespace=namespace, MetricData=data)
