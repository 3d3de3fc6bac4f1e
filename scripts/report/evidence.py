"""Reads what the report tells from S3, SageMaker and the endpoint's own answers."""

from __future__ import annotations

import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3


@dataclass(frozen=True)
class Step:
    """One step of the execution, times in UTC."""

    name: str
    status: str
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True)
class Answer:
    """One image of the test channel, what it shows and what endpoint and evaluation said of it."""

    key: str
    image: bytes
    label: str
    served_label: str
    served_probability: float
    evaluated_label: str
    evaluated_probability: float


@dataclass(frozen=True)
class Evidence:
    """Everything the report shows of one execution."""

    environment: str
    execution_arn: str
    drop_id: str
    model_package_arn: str
    steps: list[Step]
    dataset: dict[str, Any]
    shards: list[dict[str, Any]]
    training: dict[str, Any]
    evaluation: dict[str, Any]
    confusion_matrix: bytes
    reliability: bytes
    worst_mistakes: str
    answers: list[Answer]

    @property
    def accuracy(self) -> float:
        metrics = self.evaluation["multiclass_classification_metrics"]
        return float(metrics["accuracy"]["value"])

    @property
    def quarantine_reasons(self) -> Counter[str]:
        """How many files all hosts put aside, by reason."""
        return sum((Counter(shard["reasons"]) for shard in self.shards), Counter[str]())


class Reader:
    """Reads one execution's records, in the buckets that the stacks name.

    :param session: a boto3 session, of a rehearsal or of AWS.
    :param execution_arn: the pipeline execution to tell about.
    :param working_bucket: holds manifests, shards and evaluation of each execution.
    :param artifacts_bucket: holds lineage and models.
    """

    def __init__(
        self,
        session: boto3.Session,
        execution_arn: str,
        working_bucket: str,
        artifacts_bucket: str,
    ) -> None:
        self._s3 = session.client("s3")
        self._sagemaker = session.client("sagemaker")
        self._execution_arn = execution_arn
        self._execution_id = execution_arn.rsplit("/", 1)[1]
        self._working = working_bucket
        self._artifacts = artifacts_bucket

    def steps(self) -> list[Step]:
        pages = self._sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
            PipelineExecutionArn=self._execution_arn, SortOrder="Ascending"
        )
        return [
            Step(step["StepName"], step["StepStatus"], step["StartTime"], step["EndTime"])
            for page in pages
            for step in page["PipelineExecutionSteps"]
        ]

    def drop_id(self) -> str:
        pages = self._sagemaker.get_paginator("list_pipeline_parameters_for_execution").paginate(
            PipelineExecutionArn=self._execution_arn
        )
        parameters = {
            parameter["Name"]: parameter["Value"]
            for page in pages
            for parameter in page["PipelineParameters"]
        }
        return parameters["DropId"]

    def dataset(self) -> dict[str, Any]:
        """`dataset.json` of the execution's lineage."""
        key = f"lineage/{self._execution_id}/dataset.json"
        dataset: dict[str, Any] = json.loads(self._read(self._artifacts, key))
        return dataset

    def shards(self) -> list[dict[str, Any]]:
        """Each processing host's own report, in the order of hosts."""
        prefix = f"executions/{self._execution_id}/shards/report/"
        reports = [json.loads(self._read(self._working, key)) for key in self._keys(prefix)]
        return sorted(reports, key=lambda report: int(report["host"].rsplit("-", 1)[1]))

    def training(self) -> dict[str, Any]:
        """`training.json` out of the model's archive."""
        job = self._training_job()
        bucket, key = _split(job["ModelArtifacts"]["S3ModelArtifacts"])
        with tarfile.open(fileobj=io.BytesIO(self._read(bucket, key))) as archive:
            member = next(m for m in archive if m.name.removeprefix("./") == "training.json")
            content = archive.extractfile(member)
            if content is None:
                raise ValueError(f"training.json in s3://{bucket}/{key} is no file.")
            summary: dict[str, Any] = json.load(content)
        return summary

    def evaluation(self) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self._evaluated("evaluation.json"))
        return result

    def confusion_matrix(self) -> bytes:
        return self._evaluated("confusion_matrix.png")

    def reliability(self) -> bytes:
        return self._evaluated("reliability.png")

    def worst_mistakes(self) -> str:
        """A page of its own, with its images inside."""
        return self._evaluated("worst_mistakes.html").decode("utf-8")

    def predictions(self) -> list[dict[str, Any]]:
        """What the evaluation predicted, one dict a record of the test channel."""
        return [json.loads(line) for line in self._evaluated("predictions.jsonl").splitlines()]

    def image(self, drops_bucket: str, manifest_entry: str) -> bytes:
        return self._read(drops_bucket, f"drops/{manifest_entry}")

    def _training_job(self) -> dict[str, Any]:
        pages = self._sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
            PipelineExecutionArn=self._execution_arn
        )
        arn = next(
            step["Metadata"]["TrainingJob"]["Arn"]
            for page in pages
            for step in page["PipelineExecutionSteps"]
            if "TrainingJob" in step.get("Metadata", {})
        )
        name = arn.rsplit("/", 1)[1]
        job: dict[str, Any] = dict(self._sagemaker.describe_training_job(TrainingJobName=name))
        return job

    def _evaluated(self, name: str) -> bytes:
        return self._read(self._working, f"executions/{self._execution_id}/evaluation/{name}")

    def _read(self, bucket: str, key: str) -> bytes:
        body: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def _keys(self, prefix: str) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._working, Prefix=prefix
        )
        for page in pages:
            for item in page.get("Contents", []):
                yield item["Key"]


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
