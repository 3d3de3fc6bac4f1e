"""An execution with its steps and jobs, as SageMaker has them, and where their log lines are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sagemaker import SageMakerClient

# SageMaker Pipelines cuts a step's name so in the names of its jobs.
_STEP_PART = 20


@dataclass(frozen=True)
class Job:
    """A processing or training job of an execution.

    Attributes:
        kind: `Processing` or `Training`.
        step: what its name has of the step's, which may be cut; `is_of` compares.
        seconds: that AWS bills for each of its instances.
        message: the container's own last words, `/opt/ml/output/message` or `failure`.
        metrics: last values of what training's metric definitions found.
        secondary_status: a training job's, such as `MaxRuntimeExceeded`; else empty.
        reason: its FailureReason.
        longest: its MaxRuntimeInSeconds; 0 where none is known.
    """

    kind: str
    name: str
    step: str
    status: str
    created: datetime
    instance_type: str
    instances: int
    seconds: float
    message: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    secondary_status: str = ""
    reason: str = ""
    longest: int = 0

    def is_of(self, step: "Step") -> bool:
        """Whether a step has started it, as far as the beginning of their names tells."""
        return _part(self.step) == _part(step.name)

    @property
    def instance_seconds(self) -> float:
        """Billed seconds of all its instances together."""
        return self.seconds * self.instances

    @property
    def log_group(self) -> str:
        """Where its lines are in CloudWatch Logs."""
        return f"/aws/sagemaker/{self.kind}Jobs"


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        job: name of the job of its last attempt, perhaps in lower case; empty where it has none.
        package: ARN of the model package that it registered; empty where it registered none.
        is_verdict: whether it is a Fail step, which ends an execution on purpose.
    """

    name: str
    status: str
    started: datetime | None
    ended: datetime | None
    reason: str
    attempts: int
    job: str = ""
    package: str = ""
    is_verdict: bool = False

    @property
    def seconds(self) -> float:
        """How long it took; 0 while it runs."""
        return _seconds(self.started, self.ended)


@dataclass(frozen=True)
class Execution:
    """One execution; `jobs` are those of all its attempts and retries.

    Attributes:
        reason: SageMaker's own, which says that steps failed and not why.
        description: what the starter wrote of the run that it is.
        drop_id: its parameter `DropId`.
    """

    arn: str
    status: str
    reason: str
    description: str
    drop_id: str
    steps: tuple[Step, ...]
    jobs: tuple[Job, ...]

    @property
    def id(self) -> str:
        """The last part of its ARN."""
        return self.arn.rpartition("/")[2]

    @property
    def pipeline(self) -> str:
        """Name of the pipeline."""
        return self.arn.split("/")[1]

    @property
    def unsuccessful(self) -> tuple[Step, ...]:
        """Those that failed or were stopped."""
        return tuple(step for step in self.steps if step.status in {"Failed", "Stopped"})

    @property
    def package(self) -> str:
        """ARN of the model package that it registered; empty where it registered none."""
        return next((step.package for step in self.steps if step.package), "")

    def job(self, step: Step) -> Job | None:
        """The job of a step's last attempt."""
        # The step knows it by its ARN, which SageMaker has written in lower case too.
        name = step.job.casefold()
        return next((job for job in self.jobs if job.name.casefold() == name), None)

    def jobs_of(self, step: Step) -> tuple[Job, ...]:
        """All jobs that a step has started since its own start, whatever became of them."""
        started = step.started
        return tuple(
            job
            for job in self.jobs
            if job.is_of(step) and started is not None and job.created >= started
        )


def _part(step_name: str) -> str:
    return step_name[:_STEP_PART].rstrip("-").casefold()


class Executions:
    """Of any pipeline whose jobs have the names that SageMaker Pipelines gives them."""

    def __init__(self, client: "SageMakerClient") -> None:
        self._client = client

    def read(self, arn: str) -> Execution:
        """How it is now."""
        described = self._client.describe_pipeline_execution(PipelineExecutionArn=arn)
        return Execution(
            arn=arn,
            status=described["PipelineExecutionStatus"],
            reason=described.get("FailureReason", ""),
            description=described.get("PipelineExecutionDescription", ""),
            drop_id=self._drop_id(arn),
            steps=tuple(self._steps(arn)),
            jobs=tuple(self._jobs(arn.rpartition("/")[2])),
        )

    def _drop_id(self, arn: str) -> str:
        pages = self._client.get_paginator("list_pipeline_parameters_for_execution").paginate(
            PipelineExecutionArn=arn
        )
        parameters = {p["Name"]: p["Value"] for page in pages for p in page["PipelineParameters"]}
        return parameters.get("DropId", "")

    def _steps(self, arn: str) -> Iterator[Step]:
        pages = self._client.get_paginator("list_pipeline_execution_steps").paginate(
            PipelineExecutionArn=arn, SortOrder="Ascending"
        )
        for page in pages:
            for listed in page["PipelineExecutionSteps"]:
                yield to_step(dict(listed))

    def _jobs(self, execution_id: str) -> Iterator[Job]:
        """A step that was tried again names its last job only; each job's name has the id."""
        prefix = f"pipelines-{execution_id}-"
        for page in self._client.get_paginator("list_processing_jobs").paginate(
            NameContains=prefix
        ):
            for processing in page["ProcessingJobSummaries"]:
                name = processing["ProcessingJobName"]
                yield _job(
                    "Processing", self._client.describe_processing_job(ProcessingJobName=name)
                )
        for page_ in self._client.get_paginator("list_training_jobs").paginate(NameContains=prefix):
            for training in page_["TrainingJobSummaries"]:
                name = training["TrainingJobName"]
                yield _job("Training", self._client.describe_training_job(TrainingJobName=name))


def to_step(listed: dict[str, Any]) -> Step:
    """A `PipelineExecutionStep`.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_PipelineExecutionStep.html
    """
    metadata = listed.get("Metadata", {})
    job = metadata.get("TrainingJob") or metadata.get("ProcessingJob") or {}
    return Step(
        name=listed["StepName"],
        status=listed.get("StepStatus", ""),
        started=listed.get("StartTime"),
        ended=listed.get("EndTime"),
        reason=listed.get("FailureReason", ""),
        attempts=listed.get("AttemptCount", 1),
        job=job.get("Arn", "").rpartition("/")[2],
        package=metadata.get("RegisterModel", {}).get("Arn", ""),
        is_verdict="Fail" in metadata,
    )


def _job(kind: str, described: Any) -> Job:
    name, is_training = described[f"{kind}JobName"], kind == "Training"
    cluster = (
        described["ResourceConfig"]
        if is_training
        else described["ProcessingResources"]["ClusterConfig"]
    )
    metrics = described.get("FinalMetricDataList", [])
    return Job(
        kind=kind,
        name=name,
        step=_step_of(name),
        status=described[f"{kind}JobStatus"],
        created=described["CreationTime"],
        instance_type=cluster["InstanceType"],
        instances=cluster["InstanceCount"],
        # Of managed spot training, what is left of the time after AWS's discount.
        seconds=float(described.get("BillableTimeInSeconds", 0))
        if is_training
        else _seconds(described.get("ProcessingStartTime"), described.get("ProcessingEndTime")),
        message=described.get("ExitMessage", ""),
        metrics={metric["MetricName"]: metric["Value"] for metric in metrics},
        secondary_status=described.get("SecondaryStatus", ""),
        reason=described.get("FailureReason", ""),
        longest=described.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 0),
    )


def _seconds(started: datetime | None, ended: datetime | None) -> float:
    return (ended - started).total_seconds() if started and ended else 0.0


def _step_of(job: str) -> str:
    """`pipelines-<execution id>-<step>-<random>`, as SageMaker Pipelines names a step's jobs."""
    match = re.fullmatch(r"pipelines-[^-]+-(.+)-[^-]+", job)
    return match[1] if match else ""


class Logged(Protocol):
    """What writes log lines: a job."""

    @property
    def name(self) -> str:
        """What the names of its streams begin with."""

    @property
    def log_group(self) -> str:
        """Where its lines are."""


def log_streams(client: "CloudWatchLogsClient", job: Logged) -> list[str]:
    """The job's log streams, one a host, by name; empty where it has not written."""
    try:
        pages = client.get_paginator("describe_log_streams").paginate(
            logGroupName=job.log_group, logStreamNamePrefix=f"{job.name}/"
        )
        return sorted(stream["logStreamName"] for page in pages for stream in page["logStreams"])
    except client.exceptions.ResourceNotFoundException:
        return []


def console_link(region: str, group: str, stream: str) -> str:
    """The stream in CloudWatch's console, whose addresses are escaped twice, with `$` for `%`."""
    return (
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        f"#logsV2:log-groups/log-group/{_escape(group)}/log-events/{_escape(stream)}"
    )


def _escape(text: str) -> str:
    return quote(quote(text, safe=""), safe="").replace("%", "$")
