"""An asynchronous endpoint's metrics:
https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal import aws
from rehearsal.settings import RehearsalSettings

_log = logging.getLogger(__name__)
_NAMESPACE = "AWS/SageMaker"
_MOST_METRICS = 1000


class Metrics:
    """Keeps data points until they are published; safe to use from any thread."""

    def __init__(self, settings: RehearsalSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._data: list[dict[str, Any]] = []

    def backlog(self, endpoint: str, waiting: int, oldest_seconds: float, instances: int) -> None:
        """What an endpoint has to do now.

        Args:
            waiting: requests that wait or are processed.
        """
        dimensions = {"EndpointName": endpoint}
        self._keep("ApproximateBacklogSize", waiting, "Count", dimensions)
        self._keep("ApproximateAgeOfOldestRequest", oldest_seconds, "Seconds", dimensions)
        without = float(waiting > 0 and instances == 0)
        self._keep("HasBacklogWithoutCapacity", without, "Count", dimensions)
        if instances:
            per_instance = waiting / instances
            self._keep("ApproximateBacklogSizePerInstance", per_instance, "Count", dimensions)

    def ended(
        self, endpoint: str, variant: str, *, failed: bool, waited: float, took: float
    ) -> None:
        """Args:
        waited: seconds until its processing began; `took`: from then on.
        """
        dimensions = {"EndpointName": endpoint, "VariantName": variant}
        self._keep("InvocationsProcessed", 1, "Count", dimensions)
        self._keep("InvocationFailures", float(failed), "Count", dimensions)
        self._keep("TimeInBacklog", waited * 1000, "Milliseconds", dimensions)
        self._keep("TotalProcessingTime", (waited + took) * 1000, "Milliseconds", dimensions)

    def expired(self, endpoint: str, variant: str) -> None:
        dimensions = {"EndpointName": endpoint, "VariantName": variant}
        self._keep("ExpiredRequests", 1, "Count", dimensions)

    def publish(self) -> None:
        with self._lock:
            data, self._data = self._data, []
        client = aws.client(self._settings, "cloudwatch")
        for first in range(0, len(data), _MOST_METRICS):
            try:
                client.put_metric_data(
                    Namespace=_NAMESPACE, MetricData=data[first : first + _MOST_METRICS]
                )
            except (ClientError, BotoCoreError) as error:
                _log.warning("Metrics of asynchronous endpoints are lost: %s", error)

    def _keep(self, name: str, value: float, unit: str, dimensions: dict[str, str]) -> None:
        datum = {
            "MetricName": name,
            "Value": float(value),
            "Unit": unit,
            "Dimensions": [{"Name": key, "Value": each} for key, each in dimensions.items()],
        }
        with self._lock:
            self._data.append(datum)
