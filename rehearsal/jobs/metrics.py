"""The metrics that a training job's MetricDefinitions find in its logs.

https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rehearsal.aws import Role

_NAMESPACE = "/aws/sagemaker/TrainingJobs"
_AT_ONCE = 1000


class Metrics:
    """Reads lines of a log; keeps every value, in the order in which it came."""

    def __init__(self, definitions: Sequence[Mapping[str, str]]):
        self._patterns = [(each["Name"], re.compile(each["Regex"])) for each in definitions]
        self._values: list[tuple[str, float, datetime]] = []

    def read(self, line: str) -> None:
        for name, pattern in self._patterns:
            match = pattern.search(line)
            number = _number(match.group(1)) if match and match.groups() else None
            if number is not None:
                self._values.append((name, number, datetime.now(UTC)))

    def publish(self, role: Role, job_name: str) -> list[dict[str, Any]]:
        """Sends all values to CloudWatch as `role`; returns each metric's last, as
        `FinalMetricDataList`.
        """
        data = [
            {
                "MetricName": name,
                "Value": value,
                "Timestamp": time,
                "Dimensions": [{"Name": "TrainingJobName", "Value": job_name}],
            }
            for name, value, time in self._values
        ]
        if data:
            cloudwatch = role.client("cloudwatch")
            for first in range(0, len(data), _AT_ONCE):
                cloudwatch.put_metric_data(
                    Namespace=_NAMESPACE, MetricData=data[first : first + _AT_ONCE]
                )
        last = {name: (value, time) for name, value, time in self._values}
        return [
            {"MetricName": name, "Value": value, "Timestamp": time}
            for name, (value, time) in last.items()
        ]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
