"""The events that SageMaker sends to EventBridge, in AWS's own words.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from rehearsal import service_model
from rehearsal.store import Store
from rehearsal.supervised import SupervisedThread

Put = Callable[[str, dict[str, Any], list[str]], None]
"""Puts an event of the source `aws.sagemaker`: its detail-type, detail and resources."""

Record = dict[str, Any]

_log = logging.getLogger(__name__)
_EVERY_SECONDS = 1.0
_MOST_TRIES = 5
_ENDED = frozenset({"Succeeded", "Failed", "Stopped"})


class Events:
    """Sends one event for each change of status, in the order of the changes.

    An event is kept with the change that it tells of and sent after it, by a thread of its own:
    what receives it slowly holds nobody up, and a killed server sends what it had not. One that
    can't be sent is tried some times more, and then it is logged and left out.
    """

    def __init__(self, store: Store, put: Put) -> None:
        self._store = store
        self._put = put
        self._failures = 0
        self._thread = SupervisedThread("events of SageMaker", self._send_all, _EVERY_SECONDS)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Sends what is left, each event once."""
        self._thread.close()
        while self._send_next():
            pass

    def execution(self, record: Record, previous: str | None) -> None:
        """Args:
        record: an execution's.
        previous: its status before.
        """
        status = record["PipelineExecutionStatus"]
        ended = record.get("LastModifiedTime") if status in _ENDED else None
        detail = {
            "pipelineExecutionDisplayName": record.get("PipelineExecutionDisplayName"),
            "pipelineExecutionDescription": record.get("PipelineExecutionDescription"),
            "currentPipelineExecutionStatus": status,
            "previousPipelineExecutionStatus": previous,
            "executionStartTime": _iso(record["CreationTime"]),
            "executionEndTime": _iso(ended),
            "pipelineArn": record["PipelineArn"],
            "pipelineExecutionArn": record["PipelineExecutionArn"],
        }
        resources = [record["PipelineArn"], record["PipelineExecutionArn"]]
        self._send("SageMaker Model Building Pipeline Execution Status Change", detail, resources)

    def step(self, pipeline: str, execution: str, step: Record, previous: str | None) -> None:
        """Args:
        step: a `PipelineExecutionStep` and its `StepType`.
        """
        detail = {
            "metadata": _lower_camel(step.get("Metadata", {})),
            "stepName": step["StepName"],
            "stepType": step.get("StepType"),
            "stepStartTime": _iso(step.get("StartTime")),
            "stepEndTime": _iso(step.get("EndTime")),
            "currentStepStatus": step["StepStatus"],
            "previousStepStatus": previous,
            "failureReason": step.get("FailureReason"),
            "cacheHitResult": _lower_camel(step.get("CacheHitResult")),
            "pipelineArn": pipeline,
            "pipelineExecutionArn": execution,
        }
        self._send(
            "SageMaker Model Building Pipeline Execution Step Status Change",
            detail,
            [pipeline, execution],
        )

    def processing_job(self, record: Record, tags: dict[str, str]) -> None:
        detail = service_model.project("DescribeProcessingJobResponse", record)
        self._describe("SageMaker Processing Job State Change", detail, "ProcessingJobArn", tags)

    def training_job(self, record: Record, tags: dict[str, str]) -> None:
        detail = service_model.project("DescribeTrainingJobResponse", record)
        self._describe("SageMaker Training Job State Change", detail, "TrainingJobArn", tags)

    def transform_job(self, record: Record, tags: dict[str, str]) -> None:
        detail = service_model.project("DescribeTransformJobResponse", record)
        self._describe("SageMaker Transform Job State Change", detail, "TransformJobArn", tags)

    def model_package(self, record: Record, changed: Sequence[str] | None = None) -> None:
        """Args:
        changed: the fields that an update changed; None for a new package.
        """
        detail = service_model.project("DescribeModelPackageOutput", record)
        if changed is not None:
            # AWS writes this one with a small letter.
            names = ["sourceUri" if name == "SourceUri" else name for name in changed]
            detail["UpdatedModelPackageFields"] = names
        self._describe("SageMaker Model Package State Change", detail, "ModelPackageArn", None)

    def model(self, arn: str, name: str) -> None:
        self._send("SageMaker Model State Change", {"ModelName": name, "ModelArn": arn}, [arn])

    def endpoint(self, record: Record, tags: dict[str, str]) -> None:
        self._endpoint("SageMaker Endpoint State Change", record, tags)

    def endpoint_deployment(self, record: Record, tags: dict[str, str]) -> None:
        """A step of an update: see the `PendingDeploymentSummary`."""
        self._endpoint("SageMaker Endpoint Deployment State Change", record, tags)

    def _endpoint(self, detail_type: str, record: Record, tags: dict[str, str]) -> None:
        detail = service_model.project("DescribeEndpointOutput", record)
        # The event writes IN_SERVICE where the API writes InService.
        detail["EndpointStatus"] = _upper_snake(record["EndpointStatus"])
        self._describe(detail_type, detail, "EndpointArn", tags)

    def _describe(
        self, detail_type: str, detail: Record, arn: str, tags: dict[str, str] | None
    ) -> None:
        described = _milliseconds(detail) | ({"Tags": tags} if tags is not None else {})
        self._send(detail_type, described, [detail[arn]])

    def _send(self, detail_type: str, detail: Record, resources: list[str]) -> None:
        given = {key: value for key, value in detail.items() if value is not None}
        self._store.add_event({"type": detail_type, "detail": given, "resources": resources})
        self._store.afterwards(self._thread.wake)

    def _send_all(self) -> None:
        while self._send_next():
            pass

    def _send_next(self) -> bool:
        """Whether there may be another to be sent now."""
        found = self._store.next_event()
        if found is None:
            return False
        number, event = found
        try:
            self._put(event["type"], event["detail"], event["resources"])
        except Exception:  # noqa: BLE001 - whatever MiniStack raises
            self._failures += 1
            _log.exception("The event '%s' of %s was not sent", event["type"], event["resources"])
            if self._failures < _MOST_TRIES:
                return False
        self._failures = 0
        self._store.remove_event(number)
        return True


def _iso(time: datetime | None) -> str | None:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if time else None


def _milliseconds(value: Any) -> Any:
    """A Describe response as an event's detail has it: times in milliseconds since 1970."""
    if isinstance(value, dict):
        return {key: _milliseconds(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_milliseconds(item) for item in value]
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else value


def _lower_camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _lower_camel(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_lower_camel(item) for item in value]
    return value


def _upper_snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()
