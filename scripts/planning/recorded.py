"""What a finished run of the pipeline left behind that tells how fast it was, and reading it."""

import os
import platform
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, Field

from scripts.console import CommandError
from scripts.deployed import stacks
from scripts.deployed.logs import job_of, named
from scripts.deployed.pipelines import execution_named, steps_of
from scripts.deployed.session import is_local
from scripts.reports.evidence import Reader

STEPS = ("CreateManifests", "FetchServingModel", "ShardImages", "TrainModel", "EvaluateModel")
T = TypeVar("T")


class _Recorded(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Machine(_Recorded):
    """Whose cores a rehearsal's hosts shared; on AWS each job has instances of its own."""

    name: str = Field(description="e.g. AMD EPYC, 2 cores; AWS.")
    cores: int | None = Field(default=None, description="None on AWS.")


class Job(_Recorded):
    """One step's job; seconds are SageMaker's own."""

    instance: str
    count: int
    waiting_seconds: float = Field(ge=0, description="From its creation to its start.")
    seconds: float = Field(ge=0, description="From its start to its end.")


class Report(_Recorded):
    """What one ShardImages host reported."""

    host: str
    records: int
    quarantined: int
    seconds: float
    encoding: str = Field(default="raw", description="Of its records; once there was no other.")


class Training(_Recorded):
    """`training.json` and `model.json`, and hyperparameters of the job."""

    network: str
    parameters: int
    image_size: int
    precision: str
    batch_size: int
    workers: int
    workers_per_host: int
    history: list[dict[str, Any]]


class RecordedRun(_Recorded):
    """One execution, each step of which succeeded; jobs by step, channels with their objects."""

    execution: str
    on: date
    machine: Machine
    jobs: dict[str, Job]
    objects: int
    bytes: int
    channels: dict[str, int]
    reports: list[Report]
    training: Training

    @property
    def is_aws(self) -> bool:
        """Whether it ran on AWS and not in a rehearsal."""
        return self.machine.cores is None

    @property
    def mean_bytes(self) -> float:
        """Of an image file."""
        return self.bytes / self.objects


def read_run(session: boto3.Session, environment: str, run: str) -> RecordedRun:
    """What a run, by ARN, id or "newest", was measured at; CommandError where it isn't whole."""
    try:
        arn = execution_named(session, environment, "" if run == "newest" else run)
    except CommandError as error:
        without = "without --from the plan takes the rates of a rehearsal"
        raise CommandError(f"{str(error).rstrip('.')}; {without}.") from error
    data = stacks.outputs_of(stacks.describe(session, environment, "data"))
    reader = Reader(session, arn, data)
    described = _described_jobs(session, arn)
    dataset = _left(arn, "report of its dataset", reader.dataset)
    reports = _left(arn, "reports of ShardImages", reader.shards)
    archive = described["TrainModel"]["ModelArtifacts"]["S3ModelArtifacts"]
    return RecordedRun(
        execution=arn,
        on=described["TrainModel"]["CreationTime"].date(),
        machine=_machine(),
        jobs={step: _job(job) for step, job in described.items()},
        objects=dataset["objects"],
        bytes=dataset["bytes"],
        channels=dict(sum(map(Counter, dataset["counts"].values()), Counter[str]())),
        reports=[_report(report) for report in reports],
        training=_training(
            _left(
                arn,
                f"model in {archive}",
                lambda: reader.archived(archive, "training.json", "model.json"),
            ),
            described["TrainModel"]["HyperParameters"],
        ),
    )


def _described_jobs(session: boto3.Session, arn: str) -> dict[str, dict[str, Any]]:
    sagemaker = session.client("sagemaker")
    steps = {step["StepName"]: step for step in steps_of(session, arn)}
    described: dict[str, dict[str, Any]] = {}
    for name in STEPS:
        step = steps.get(name)
        if step is None or step["StepStatus"] != "Succeeded":
            state = "did not run" if step is None else step["StepStatus"].lower()
            raise CommandError(
                f"The step {name} of {arn} {state}, and rates are measured on a whole run: wait "
                "for it, or name another run with --from."
            )
        if "CacheHitResult" in step:
            raise CommandError(
                f"The step {name} of {arn} was taken from the cache, so that it has no time of its "
                "own: name the run that it was taken from with --from."
            )
        job = job_of(step)
        if job is None:
            raise CommandError(
                f"The step {name} of {arn} has no job: name another run with --from."
            )
        own = named(session, job).name
        if "TrainingJob" in step["Metadata"]:
            described[name] = dict(sagemaker.describe_training_job(TrainingJobName=own))
        else:
            described[name] = dict(sagemaker.describe_processing_job(ProcessingJobName=own))
    return described


def _job(described: dict[str, Any]) -> Job:
    is_training = "TrainingJobName" in described
    kind = "Training" if is_training else "Processing"
    resources = (
        described["ResourceConfig"]
        if is_training
        else described["ProcessingResources"]["ClusterConfig"]
    )
    begun: datetime = described[f"{kind}StartTime"]
    return Job(
        instance=resources["InstanceType"],
        count=resources["InstanceCount"],
        waiting_seconds=max(0.0, (begun - described["CreationTime"]).total_seconds()),
        seconds=max(0.0, (described[f"{kind}EndTime"] - begun).total_seconds()),
    )


def _report(report: dict[str, Any]) -> Report:
    return Report(
        host=report["host"],
        records=sum(channel["records"] for channel in report["channels"].values()),
        quarantined=report["quarantined"],
        seconds=report["seconds"],
        encoding=report.get("encoding", {}).get("name", "raw"),
    )


def _training(summaries: dict[str, dict[str, Any]], hyperparameters: dict[str, str]) -> Training:
    model, training = summaries["model.json"], summaries["training.json"]
    return Training(
        network=model["model"],
        parameters=model["parameters"],
        image_size=model["image_size"],
        precision=hyperparameters["precision"],
        batch_size=int(hyperparameters["batch_size"]),
        workers=training["workers"],
        workers_per_host=int(hyperparameters["workers_per_host"]),
        history=training["history"],
    )


def _left(arn: str, what: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in {"NoSuchKey", "404", "NoSuchBucket"}:
            raise
        raise CommandError(
            f"The execution {arn} has no {what} any more: name a newer run with --from."
        ) from error


def _machine() -> Machine:
    if not is_local():
        return Machine(name="AWS")
    cores = len(os.sched_getaffinity(0))
    return Machine(name=f"{_processor()}, {cores} cores", cores=cores)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
