"""The metrics that SageMaker publishes of executions and of their steps.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html, "SageMaker
pipelines metrics": executions by the account and by `PipelineName`, steps by `PipelineName` and
`StepName`.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from rehearsal import aws
from rehearsal.settings import RehearsalSettings

NAMESPACE = "AWS/Sagemaker/ModelBuildingPipeline"

Record = dict[str, Any]
Times = tuple[datetime | None, datetime | None]
"""When it started and when it ended."""

Put = Callable[[list[Record]], None]
"""Puts data points, as `MetricData` of PutMetricData, into the namespace."""

_log = logging.getLogger(__name__)
_ENDED = ("Succeeded", "Failed", "Stopped")


class ExecutionMetrics:
    """Publishes a change of status at once. Data points that are lost are logged and stop nothing.

    What is retried has started, and may end, once more.
    """

    def __init__(self, put: Put) -> None:
        self._put = put

    def execution(self, record: Record, previous: str | None) -> None:
        """Counts a change of status of the execution of `record` from `previous`."""
        has_begun = previous in (None, *_ENDED)
        change = "Started" if has_begun else record["PipelineExecutionStatus"]
        times = record["CreationTime"], record.get("LastModifiedTime")
        pipeline = {"Name": "PipelineName", "Value": _name(record["PipelineArn"])}
        self._count("Execution", change, times, [], [pipeline])

    def step(self, pipeline_arn: str, step: Record, previous: str | None) -> None:
        """Counts a change of status of a `PipelineExecutionStep` from `previous`."""
        has_begun = step["StepStatus"] == "Starting" and previous in (None, *_ENDED)
        change = "Started" if has_begun else step["StepStatus"]
        times = step.get("StartTime"), step.get("EndTime")
        pipeline = {"Name": "PipelineName", "Value": _name(pipeline_arn)}
        self._count(
            "Step", change, times, [pipeline, {"Name": "StepName", "Value": step["StepName"]}]
        )

    def _count(self, what: str, change: str, times: Times, *dimensions: list[Record]) -> None:
        data = [
            datum | {"Dimensions": each}
            for datum in _data(what, change, *times)
            for each in dimensions
        ]
        if not data:
            return
        try:
            self._put(data)
        except Exception:  # noqa: BLE001 - whatever boto3 raises
            _log.exception("Metrics of an execution are lost: %s", data)


def to_cloudwatch(settings: RehearsalSettings) -> Put:
    """From any thread but the server's own."""
    client = aws.client(settings, "cloudwatch")

    def put(data: list[Record]) -> None:
        client.put_metric_data(Namespace=NAMESPACE, MetricData=data)

    return put


def _data(
    what: str, change: str, started: datetime | None, ended: datetime | None
) -> Iterator[Record]:
    """What a change of status is counted as; the last one is measured too."""
    if change not in ("Started", *_ENDED):
        return
    yield {"MetricName": f"{what}{change}", "Value": 1.0, "Unit": "Count"}
    if change in _ENDED and started and ended:
        milliseconds = (ended - started).total_seconds() * 1000
        yield {"MetricName": f"{what}Duration", "Value": milliseconds, "Unit": "Milliseconds"}


def _name(pipeline_arn: str) -> str:
    return pipeline_arn.rpartition("/")[2]
