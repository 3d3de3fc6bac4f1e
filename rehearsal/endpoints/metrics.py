"""The endpoints' metrics in CloudWatch, as SageMaker publishes them:
https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html

Each metric is there with the dimensions `EndpointName`, `VariantName`, and once more with
`EndpointConfigName`, which tells the two fleets of an update apart:
https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
"""

import logging
import math
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal import aws
from rehearsal.settings import RehearsalSettings
from rehearsal.supervised import Failures, SupervisedThread

_log = logging.getLogger(__name__)

NAMESPACE = "AWS/SageMaker"
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
_MOST_VALUES = 150
_MOST_METRICS = 1000


@dataclass(frozen=True)
class Source:
    """Where a value is from.

    Attributes:
        asynchronous: fewer metrics are published for such endpoints:
            https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
    """

    endpoint: str
    variant: str
    config: str
    asynchronous: bool = False

    @property
    def dimensions(self) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        """Those of the invocations' metrics, and those of the instances'."""
        both = [
            {"Name": "EndpointName", "Value": self.endpoint},
            {"Name": "VariantName", "Value": self.variant},
        ]
        return both, [*both, {"Name": "EndpointConfigName", "Value": self.config}]


@dataclass(frozen=True)
class _Value:
    source: Source
    metric: str
    unit: str
    value: float


class EndpointMetrics:
    """Publishes what it is told from a thread of its own, so that no request waits for it."""

    def __init__(self, settings: RehearsalSettings, every_seconds: float):
        self._settings = settings
        self._values: deque[_Value] = deque()
        # Each with the time that it comes to CloudWatch.
        self._late: deque[tuple[float, list[dict[str, Any]]]] = deque()
        self._thread = SupervisedThread("metrics", self._publish, every_seconds)
        self._thread.start()

    def invocation(
        self, source: Source, status: int, *, model: float | None, total: float, instances: int
    ) -> None:
        """One request that a variant got.

        Args:
            status: the container's; 500 where it gave no answer.
            model: seconds that the model took; None, it was not reached.
            total: seconds from the request's arrival to its answer.
            instances: of the variant; 0 where it is serverless.
        """
        counts: dict[str, float] = {
            "Invocation4XXErrors": 400 <= status < 500,
            "Invocation5XXErrors": status >= 500,
        }
        seconds = {} if model is None else {"ModelLatency": model}
        if not source.asynchronous:
            counts["Invocations"] = 1
            seconds["OverheadLatency"] = max(total - (model or 0.0), 0.0)
            if instances:
                counts["InvocationsPerInstance"] = 1 / instances
        self._values += [_Value(source, name, "None", float(n)) for name, n in counts.items()]
        self._record(source, seconds)

    def setup(self, source: Source, seconds: float) -> None:
        """A cold start of a serverless variant."""
        self._record(source, {"ModelSetupTime": seconds})

    def close(self) -> None:
        """Publishes what is left, however late it were, and ends."""
        self._thread.close()
        with Failures("metrics").watched():
            self._collect()
            self._put(until=math.inf)

    def _record(self, source: Source, seconds: Mapping[str, float]) -> None:
        self._values += [
            _Value(source, name, "Microseconds", _rounded(value * 1e6))
            for name, value in seconds.items()
        ]

    def _publish(self) -> None:
        self._collect()
        self._put(until=time.monotonic())

    def _collect(self) -> None:
        counts: Counter[_Value] = Counter()
        while self._values:
            counts[self._values.popleft()] += 1
        comes = time.monotonic() + self._settings.modes.late_metrics
        self._late.append((comes, list(_data(counts, datetime.now(UTC)))))

    def _put(self, until: float) -> None:
        while self._late and self._late[0][0] <= until:
            put(aws.client(self._settings, "cloudwatch"), self._late.popleft()[1])


def put(cloudwatch: Any, data: list[dict[str, Any]]) -> None:
    """Puts metrics of endpoints; what CloudWatch refuses is logged and lost."""
    for part in _parts(data, _MOST_METRICS):
        try:
            cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=part)
        except (ClientError, BotoCoreError) as error:
            _log.warning("The metrics of endpoints could not be published: %s", error)


def _data(counts: Counter[_Value], at: datetime) -> Iterator[dict[str, Any]]:
    """Each metric with its distinct values, each with its count."""
    series: dict[tuple[Source, str, str], list[tuple[float, int]]] = {}
    for kept, count in counts.items():
        key = (kept.source, kept.metric, kept.unit)
        series.setdefault(key, []).append((kept.value, count))
    for (source, metric, unit), values in series.items():
        for part in _parts(values, _MOST_VALUES):
            for dimensions in source.dimensions:
                yield {
                    "MetricName": metric,
                    "Dimensions": dimensions,
                    "Timestamp": at,
                    "Unit": unit,
                    "Values": [value for value, _ in part],
                    "Counts": [float(count) for _, count in part],
                }


def _parts(items: list[Any], size: int) -> Iterable[list[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _rounded(value: float) -> float:
    """To about 2 %, so that there are few distinct values: CloudWatch keeps each, with its time."""
    return float(round(10 ** (round(math.log10(value) * 50) / 50))) if value >= 1 else 0.0
