"""Metrics of executions that AWS does not publish itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

IMAGES_PER_SECOND = "images_per_second"
"""The metric that training's log lines give, of all hosts together; the last epoch's is kept."""


@dataclass(frozen=True)
class Point:
    """One data point.

    Attributes:
        step: the step that it is of; empty where it is of the whole execution.
    """

    name: str
    value: float
    unit: str
    step: str = ""


@dataclass(frozen=True)
class Metrics:
    """In one namespace, with the dimension PipelineName, and StepName where a step is meant."""

    client: Any
    namespace: str
    pipeline: str

    def put(self, points: list[Point], time: datetime) -> None:
        if not points:
            return
        self.client.put_metric_data(
            Namespace=self.namespace,
            MetricData=[
                {
                    "MetricName": point.name,
                    "Dimensions": self._dimensions(point),
                    "Timestamp": time,
                    "Value": point.value,
                    "Unit": point.unit,
                }
                for point in points
            ],
        )

    def _dimensions(self, point: Point) -> list[dict[str, str]]:
        of = {"PipelineName": self.pipeline} | ({"StepName": point.step} if point.step else {})
        return [{"Name": name, "Value": value} for name, value in of.items()]
