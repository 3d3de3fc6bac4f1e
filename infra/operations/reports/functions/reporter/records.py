"""An execution, its steps and its jobs, as far as people are told of them."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Job:
    """A processing or training job of an execution.

    Attributes:
        kind: `Processing` or `Training`.
        step: name of the step that it is of.
        seconds: that AWS bills for each of its instances.
        message: the container's own last words, `/opt/ml/output/message` or `failure`.
        metrics: last values of what training's metric definitions found.
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
        job: name of the job of its last attempt; empty where it has none.
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
    def package(self) -> str:
        """ARN of the model package that it registered; empty where it registered none."""
        return next((step.package for step in self.steps if step.package), "")

    def job(self, step: Step) -> Job | None:
        """The job of a step's last attempt."""
        return next((job for job in self.jobs if job.name == step.job), None)

    def jobs_of(self, step: Step) -> tuple[Job, ...]:
        """All jobs that a step has started since its own start, whatever became of them."""
        started = step.started
        return tuple(
            job
            for job in self.jobs
            if job.step == step.name and started is not None and job.created >= started
        )
