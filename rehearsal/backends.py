"""The seams between the SageMaker API and the parts that do its work.

The API validates, keeps records and answers; a backend runs things in threads or processes of its
own and tells the API of changes. No method here waits for the work that it starts, except
`EndpointBackend.invoke`. Any method may be called from any thread, and so may the callbacks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Call = Callable[[str, dict[str, Any]], dict[str, Any]]
"""A SageMaker operation by name, e.g. `call("DescribeTrainingJob", {"TrainingJobName": "a"})`.

Request and response have botocore's member names, with `datetime` (aware, UTC) for timestamps. Both
are validated as a client's would be. Raises `rehearsal.errors.ApiError`.
"""

Response = tuple[int, dict[str, str], bytes]
"""Status, headers and body of HTTP."""

AcceptAsync = Callable[[str, Mapping[str, str], bytes], Response]
"""Keeps the request of an `InvokeEndpointAsync`, of an endpoint's name, headers with names in lower
case and a body, and answers at once. Raises `rehearsal.errors.ApiError`.
"""

Change = Callable[[dict[str, Any]], None]
"""Merges fields of the Describe response into a record that is there still, and sends its event."""


class JobBackend(Protocol):
    """Runs jobs of the three kinds.

    It reports `ProcessingJobStatus`, … : `Completed`, `Failed` or `Stopped`, and of a training job
    whose time is over `Stopping` before. `InProgress`, and `Stopping` before `stop`, are the API's.

    Processing: also `ProcessingStartTime`, `ProcessingEndTime`, `ExitMessage`, `FailureReason`.
    Training: also `SecondaryStatus`, `ModelArtifacts`, `TrainingStartTime`, `TrainingEndTime`,
    `FailureReason`, `FinalMetricDataList`, `BillableTimeInSeconds`, `TrainingTimeInSeconds`; the
    API keeps `SecondaryStatusTransitions` and `LastModifiedTime`.
    Transform: also `TransformStartTime`, `TransformEndTime`, `FailureReason`.
    """

    def start_processing_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        """Starts a job from a validated `CreateProcessingJob` request."""

    def start_training_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        """Starts a job from a validated `CreateTrainingJob` request."""

    def start_transform_job(
        self, request: dict[str, Any], variant: Variant, arn: str, change: Change
    ) -> None:
        """Starts a job from a validated `CreateTransformJob` request.

        Args:
            variant: the job's model, on as many instances as the job asks for.
        """

    def stop(self, arn: str) -> None:
        """Asks a job to stop: SIGTERM, 120 s, then the end. Returns at once, of any ARN."""

    def close(self) -> None:
        """Ends all jobs now and waits for their processes to be gone."""


@dataclass(frozen=True)
class ServerlessConfig:
    """A variant without instances of its own.

    Attributes:
        memory_megabytes: recorded; there are no memory limits in a rehearsal.
        maximum_concurrency: requests at one time; more are throttled.
    """

    memory_megabytes: int
    maximum_concurrency: int


STARTUP_SECONDS = 480  # AWS's default for ContainerStartupHealthCheckTimeoutInSeconds


@dataclass(frozen=True)
class Variant:
    """A production or shadow variant, its model resolved.

    Attributes:
        image: ECR image URI.
        model_data_url: S3 URI of the `model.tar.gz`.
        weight: its share of the traffic, as part of the sum of all weights; of a shadow variant the
            share of the requests that it gets a copy of, as part of the sum of all production
            weights.
        model_package_arn: set where the model is of a package.
        serverless: set where it has no instances; `instance_count` is 1 then.
    """

    name: str
    image: str
    model_data_url: str | None
    environment: dict[str, str]
    instance_count: int
    weight: float
    role_arn: str
    model_package_arn: str | None = None
    startup_health_check_timeout_seconds: int = STARTUP_SECONDS
    serverless: ServerlessConfig | None = None


@dataclass(frozen=True)
class DataCapture:
    """Which requests and answers are kept in S3:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataCaptureConfig.html

    Attributes:
        sampling_share: of the requests, 0 to 1.
        modes: of `INPUT` and `OUTPUT`.
        csv_content_types: kept as text that is CSV; `json_content_types` as JSON; all others in
            base64.
    """

    sampling_share: float
    destination_s3_uri: str
    kms_key_id: str | None
    modes: frozenset[str]
    csv_content_types: frozenset[str] = frozenset()
    json_content_types: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Configuration:
    """An endpoint configuration, its models resolved.

    Attributes:
        asynchronous: it has an `AsyncInferenceConfig`.
        volume_key_id: KMS key of the instances' volumes.
    """

    name: str
    variants: Sequence[Variant]
    shadow_variants: Sequence[Variant] = ()
    data_capture: DataCapture | None = None
    asynchronous: bool = False
    volume_key_id: str | None = None


@dataclass(frozen=True)
class TrafficStep:
    """One step of the shift to a new fleet, and its baking period.

    Attributes:
        share: of the traffic that the new fleet gets, above 0, at most 1.
        wait_seconds: how long alarms are watched before the next step.
        wait: the parameter that says so, for messages.
    """

    share: float
    wait_seconds: float = 0.0
    wait: str = "TerminationWaitInSeconds"


@dataclass(frozen=True)
class DeploymentConfig:
    """How an update moves the traffic, by default all at once:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeploymentConfig.html

    Attributes:
        steps: the last has the share 1.
        alarms: names of CloudWatch alarms, each of which ends the update while it bakes.
        timeout_seconds: after which the update ends and is taken back; None, never.
    """

    steps: Sequence[TrafficStep] = (TrafficStep(1.0),)
    alarms: Sequence[str] = ()
    timeout_seconds: float | None = None


@dataclass(frozen=True)
class Capacity:
    """What one variant shall have from now on; None leaves it as it is."""

    weight: float | None = None
    instance_count: int | None = None


# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
INVOCATION_SECONDS = 60.0


class EndpointBackend(Protocol):
    """Runs model servers."""

    def deploy(
        self,
        endpoint_name: str,
        configuration: Configuration,
        deployment: DeploymentConfig,
        change: Change,
    ) -> None:
        """Starts a fleet and, once each server answers `GET /ping` with 200, moves the traffic to
        it. Returns at once.

        The API sets `EndpointStatus` `Creating` or `Updating` before. The end is reported as
        `{"EndpointStatus": "InService"}`, or, where the fleet does not come up or the update is
        taken back, with a `FailureReason`: and the status `InService` if an older fleet serves on
        (the API then keeps the older configuration), else `Failed`. On the way the backend may
        report `PendingDeploymentSummary` and `ProductionVariants`.
        """

    def change_capacity(
        self, endpoint_name: str, capacities: Mapping[str, Capacity], change: Change
    ) -> None:
        """Gives variants of the fleet that serves, by name, other weights or instances, while they
        serve. Returns at once.

        The API sets `Updating` before. The end is reported as `{"EndpointStatus": "InService",
        "ProductionVariants": […]}`, with a `FailureReason` where new instances did not come up.
        """

    def delete(self, endpoint_name: str) -> None:
        """Ends an endpoint's servers, and an update of it; an unknown name is no error."""

    def invoke(
        self,
        endpoint_name: str,
        body: bytes,
        headers: Mapping[str, str],
        timeout_seconds: float = INVOCATION_SECONDS,
    ) -> Response:
        """The model server's own status, headers and body for `POST /invocations`. Blocks.

        Args:
            headers: the client's, names in lower case: `content-type`, `accept`, and
                `x-amzn-sagemaker-…`, among them `x-amzn-sagemaker-target-variant`.

        Raises:
            rehearsal.errors.ApiError: ModelError or ServiceUnavailable, no server answers;
                ThrottlingException, a serverless variant has as many requests as it takes.
        """

    def close(self) -> None:
        """Ends all servers and waits for their processes to be gone."""


class ExecutionReports(Protocol):
    """How the engine tells the API of an execution that is there still; AWS's event is sent."""

    def record_step(self, execution_arn: str, step: dict[str, Any]) -> None:
        """Keeps a step, in place of the one of that `StepName`, at its place in the order in which
        they were first recorded.

        Args:
            step: botocore's `PipelineExecutionStep`: `StepName`, `StepStatus`, `StartTime`,
                `EndTime`, `Metadata`, `AttemptCount`, `CacheHitResult`, `FailureReason`, … The key
                `StepType`, e.g. "Training", goes into the event and not into the record; the key
                `Properties` of a step that succeeded, what `Steps.<name>.…` finds, is kept for a
                retry and shown to nobody.
        """

    def change_execution(self, execution_arn: str, fields: dict[str, Any]) -> None:
        """Merges fields of `DescribePipelineExecution`: `PipelineExecutionStatus` (`Executing`,
        `Succeeded`, `Failed`, `Stopped`), `FailureReason`.
        """


class PipelineBackend(Protocol):
    """Runs pipeline executions: `rehearsal.pipelines.engine.Engine(settings, call, reports)`."""

    def start(
        self, execution: dict[str, Any], definition: str, earlier: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """Runs an execution in threads of its own; returns at once.

        Args:
            execution: `PipelineArn`, `PipelineName`, `PipelineExecutionArn`, `RoleArn`, `StartTime`
                (datetime), `PipelineParameters` (a list of `{"Name", "Value"}`, only those that the
                caller gave; names and types are checked), and where given
                `ParallelismConfiguration`, `SelectiveExecutionConfig`,
                `PipelineExecutionDisplayName`.
            definition: the definition's JSON as it was when the execution started.
            earlier: the steps of an execution that is retried, as they were last recorded: those
                that succeeded are not run again.
        """

    def stop(self, execution_arn: str) -> None:
        """Starts no further step and stops those that run; the end is reported as `Stopped`.
        Returns at once, of any ARN.
        """

    def close(self) -> None:
        """Ends all executions now, without a report, and waits for their threads."""
