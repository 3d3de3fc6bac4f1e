"""The seams between the SageMaker API and the parts that do its work.

The API validates, keeps records and answers; a backend runs things in threads or processes of its
own and tells the API of changes. No method here waits for the work that it starts, except
`EndpointBackend.invoke`. Any method may be called from any thread, and so may the callbacks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Call = Callable[[str, dict[str, Any]], dict[str, Any]]
"""A SageMaker operation by name, e.g. `call("DescribeTrainingJob", {"TrainingJobName": "a"})`.

Request and response have botocore's member names, with `datetime` (aware, UTC) for timestamps. Both
are validated as a client's would be. Raises `rehearsal.errors.ApiError`.
"""

Change = Callable[[dict[str, Any]], None]
"""Merges fields, named as in the Describe response, into one resource's record, and sends the event
that AWS sends when its status changed. Changes to a resource that was deleted meanwhile are
dropped.
"""


class JobBackend(Protocol):
    """Runs processing and training jobs.

    It reports `ProcessingJobStatus` or `TrainingJobStatus`: `Completed`, `Failed` or `Stopped`, and
    of a training job whose time is over `Stopping` before. The API sets `InProgress` before the
    start and `Stopping` before `stop`.

    Processing: also `ProcessingStartTime`, `ProcessingEndTime`, `ExitMessage`, `FailureReason`.
    Training: also `SecondaryStatus`, `ModelArtifacts`, `TrainingStartTime`, `TrainingEndTime`,
    `FailureReason`, `FinalMetricDataList`, `BillableTimeInSeconds`, `TrainingTimeInSeconds`; the
    API keeps `SecondaryStatusTransitions` and `LastModifiedTime`.
    """

    def start_processing_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        """Starts a job from a validated `CreateProcessingJob` request."""

    def start_training_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        """Starts a job from a validated `CreateTrainingJob` request."""

    def stop(self, arn: str) -> None:
        """Asks a job to stop, as `StopTrainingJob` does: SIGTERM, 120 s, then the end. Returns at
        once; an unknown ARN is no error.
        """

    def close(self) -> None:
        """Ends all jobs now and waits for their processes to be gone."""


@dataclass(frozen=True)
class Variant:
    """A production variant, its model resolved.

    :param image: ECR image URI.
    :param model_data_url: S3 URI of the `model.tar.gz`.
    :param weight: its share of the traffic, as part of the sum of all weights.
    :param model_package_arn: set where the model is of a package.
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
    model_name: str = ""
    startup_health_check_timeout_seconds: int = field(default=480)


class EndpointBackend(Protocol):
    """Runs model servers."""

    def deploy(self, endpoint_name: str, variants: list[Variant], change: Change) -> None:
        """Starts a fleet, and moves the traffic to it once each server answers `GET /ping` with
        200. Returns at once.

        The API sets `EndpointStatus` `Creating` or `Updating` before. The end is reported as
        `{"EndpointStatus": "InService"}`, or, where the fleet does not come up, with a
        `FailureReason`: and the status `InService` if an older fleet serves on (the API then
        keeps the older configuration), else `Failed`.
        """

    def delete(self, endpoint_name: str) -> None:
        """Ends an endpoint's servers; an unknown name is no error."""

    def invoke(
        self, endpoint_name: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        """The model server's own status, headers and body for `POST /invocations`. Blocks.

        :param headers: the client's, names in lower case: `content-type`, `accept`, and
            `x-amzn-sagemaker-…`, among them `x-amzn-sagemaker-target-variant`.
        :raises rehearsal.errors.ApiError: ModelError or ServiceUnavailable, no server answers.
        """

    def close(self) -> None:
        """Ends all servers and waits for their processes to be gone."""


class ExecutionReports(Protocol):
    """How the engine tells the API of an execution. Both send the event that AWS sends, and both
    drop what they hear of an execution that is gone.
    """

    def record_step(self, execution_arn: str, step: dict[str, Any]) -> None:
        """Keeps a step, in place of the one of that `StepName`, at its place in the order in which
        they were first recorded.

        :param step: botocore's `PipelineExecutionStep`: `StepName`, `StepStatus`, `StartTime`,
            `EndTime`, `Metadata`, `AttemptCount`, `CacheHitResult`, `FailureReason`, … The key
            `StepType`, e.g. "Training", goes into the event and not into the record; the key
            `Properties` of a step that succeeded, what `Steps.<name>.…` finds, is kept for a retry
            and shown to nobody.
        """

    def change_execution(self, execution_arn: str, fields: dict[str, Any]) -> None:
        """Merges fields of `DescribePipelineExecution`: `PipelineExecutionStatus` (`Executing`,
        `Succeeded`, `Failed`, `Stopped`), `FailureReason`.
        """


class PipelineBackend(Protocol):
    """Runs pipeline executions: `rehearsal.pipelines.engine.Engine(settings, call, reports)`."""

    def start(
        self,
        execution: dict[str, Any],
        definition: str,
        earlier: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Runs an execution in threads of its own; returns at once.

        :param execution: `PipelineArn`, `PipelineName`, `PipelineExecutionArn`, `RoleArn`,
            `StartTime` (datetime), `PipelineParameters` (a list of `{"Name", "Value"}`, only those
            that the caller gave; names and types are checked), and where given
            `ParallelismConfiguration`, `SelectiveExecutionConfig`, `PipelineExecutionDisplayName`.
        :param definition: the definition's JSON as it was when the execution started.
        :param earlier: the steps of an execution that is retried, as they were last recorded: those
            that succeeded are not run again.
        """

    def stop(self, execution_arn: str) -> None:
        """Starts no further step and stops those that run; the end is reported as `Stopped`.
        The API sets `Stopping` before. Returns at once; an unknown ARN is no error.
        """

    def close(self) -> None:
        """Ends all executions now, without a report, and waits for their threads."""
