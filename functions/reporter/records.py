"""An execution, its steps and its jobs, as far as people are told of them."""

from dataclasses import dataclass, field
from datetime import datetime

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
        return self.seconds * self.instances

    @property
    def log_group(self) -> str:
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
        return (self.ended - self.started).total_seconds() if self.started and self.ended else 0.0


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
        return self.arn.rpartition("/")[2]

    @property
    def pipeline(self) -> str:
        return self.arn.split("/")[1]

    @property
    def failed(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.status == "Failed")

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
