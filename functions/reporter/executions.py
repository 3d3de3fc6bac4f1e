"""Reads an execution with its steps and jobs from SageMaker."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .records import Execution, Job, Step

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


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
                yield step(dict(listed))

    def _jobs(self, execution_id: str) -> Iterator[Job]:
        """A step that was tried again names its last job only; each job's name has the id."""
        prefix = f"pipelines-{execution_id}-"
        for page in self._client.get_paginator("list_processing_jobs").paginate(
            NameContains=prefix
        ):
            for processing in page["ProcessingJobSummaries"]:
                name = processing["ProcessingJobName"]
                yield _processing(self._client.describe_processing_job(ProcessingJobName=name))
        for page_ in self._client.get_paginator("list_training_jobs").paginate(NameContains=prefix):
            for training in page_["TrainingJobSummaries"]:
                name = training["TrainingJobName"]
                yield _training(self._client.describe_training_job(TrainingJobName=name))


def step(listed: dict[str, Any]) -> Step:
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


def _processing(job: Any) -> Job:
    cluster = job["ProcessingResources"]["ClusterConfig"]
    started, ended = job.get("ProcessingStartTime"), job.get("ProcessingEndTime")
    return Job(
        kind="Processing",
        name=job["ProcessingJobName"],
        step=_step_of(job["ProcessingJobName"]),
        status=job["ProcessingJobStatus"],
        created=job["CreationTime"],
        instance_type=cluster["InstanceType"],
        instances=cluster["InstanceCount"],
        seconds=(ended - started).total_seconds() if started and ended else 0.0,
        message=job.get("ExitMessage", ""),
        reason=job.get("FailureReason", ""),
        longest=job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 0),
    )


def _training(job: Any) -> Job:
    resources = job["ResourceConfig"]
    return Job(
        kind="Training",
        name=job["TrainingJobName"],
        step=_step_of(job["TrainingJobName"]),
        status=job["TrainingJobStatus"],
        created=job["CreationTime"],
        instance_type=resources["InstanceType"],
        instances=resources["InstanceCount"],
        # Of managed spot training, what is left of the time after AWS's discount.
        seconds=float(job.get("BillableTimeInSeconds", 0)),
        metrics={m["MetricName"]: m["Value"] for m in job.get("FinalMetricDataList", [])},
        secondary_status=job.get("SecondaryStatus", ""),
        reason=job.get("FailureReason", ""),
        longest=job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 0),
    )


def _step_of(job: str) -> str:
    """`pipelines-<execution id>-<step>-<random>`, as SageMaker Pipelines names a step's jobs."""
    match = re.fullmatch(r"pipelines-[^-]+-(.+)-[^-]+", job)
    return match[1] if match else ""
