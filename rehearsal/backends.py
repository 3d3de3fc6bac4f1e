"""What the API needs of those who run pipelines, jobs and endpoints, and they of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

# (operation, request) -> response; raises ApiError. Requests and responses are botocore's shapes.
Call = Callable[[str, dict[str, Any]], dict[str, Any]]

# Merges fields, named as the resource's Describe names them, into the resource's record.
Change = Callable[[dict[str, Any]], None]


class JobBackend(Protocol):
    """Runs processing and training jobs. Each start returns at once."""

    def start_processing_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        """Runs a validated CreateProcessingJob.

        Reports `ProcessingJobStatus`, `ProcessingStartTime`, `ProcessingEndTime`, `ExitMessage`,
        `FailureReason`.
        """

    def start_training_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        """Runs a validated CreateTrainingJob.

        Reports `TrainingJobStatus`, `SecondaryStatus`, `SecondaryStatusTransitions`,
        `ModelArtifacts`, `TrainingStartTime`, `TrainingEndTime`, `FailureReason`,
        `FinalMetricDataList`, `TrainingTimeInSeconds`, `BillableTimeInSeconds`.
        """

    def stop(self, arn: str) -> None:
        """Asks a job to stop; its end is reported by its `change`. A job that ended is left alone."""

    def close(self) -> None:
        """Ends every job; returns when nothing of them runs any more."""


@dataclass(frozen=True)
class Variant:
    """One production variant of an endpoint, its model resolved to containers' settings.

    :param weight: share of the traffic, relative to the other variants'.
    """

    name: str
    image: str
    model_data_url: str | None
    environment: dict[str, str]
    instance_count: int
    weight: float
    role_arn: str
    network_isolation: bool
    model_package_arn: str | None = None


class EndpointBackend(Protocol):
    """Runs model servers."""

    def deploy(self, endpoint_name: str, variants: list[Variant], change: Change) -> None:
        """Starts a new fleet and, once each instance answers `GET /ping` with 200, gives it the
        traffic; returns at once.

        Reports `EndpointStatus` `InService`, or `Failed` with `FailureReason` where there was no
        fleet before; where there was one, it serves on and the report is `InService` with
        `FailureReason`.
        """

    def delete(self, endpoint_name: str) -> None:
        """Ends the endpoint's servers; returns when they are gone."""

    def invoke(
        self, endpoint_name: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        """The container's answer: HTTP status, headers and body."""

    def close(self) -> None:
        """Ends every server; returns when nothing of them runs any more."""


class ExecutionReports(Protocol):
    """How the engine tells what becomes of an execution."""

    def record_step(self, execution_arn: str, step: dict[str, Any]) -> None:
        """Keeps a step as ListPipelineExecutionSteps tells it; the same `StepName` replaces."""

    def change_execution(self, execution_arn: str, fields: dict[str, Any]) -> None:
        """Merges fields such as `PipelineExecutionStatus` and `FailureReason` into an execution."""


class PipelineBackend(Protocol):
    """Runs pipeline executions."""

    def start(self, execution: dict[str, Any], definition: str) -> None:
        """Runs a definition; returns at once.

        :param execution: `PipelineName`, `PipelineArn`, `PipelineExecutionArn`, `RoleArn`,
            `CreationTime` (aware datetime), `PipelineParameters` (list of `Name` and `Value`, both
            strings) and, where asked for, `ParallelismConfiguration`.
        :param definition: the JSON text that the execution was started with.
        """

    def stop(self, execution_arn: str) -> None:
        """Stops an execution and its running jobs; the end is reported as `Stopped`."""

    def close(self) -> None:
        """Ends every execution; returns when none is under way."""
