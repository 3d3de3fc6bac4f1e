"""Rehearsals of the digits, kept running, that the chain's tests look into.

Most look into one. What changes it least comes first, what ends it last: `ORDER` says so, and by
`pytest -n 2 tests/chain` one worker has it, while another has the tests with a world of their own.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from pyarrow import parquet
from xdist.scheduler import LoadScopeScheduling

from rehearsal import lifecycle
from tests.chain import tfrecords
from tests.chain.executions import (  # noqa: F401 - fixtures for all tests here
    FEWER_EPOCHS,
    changed,
    deleted,
    first,
    repeated,
    strict,
    together,
)

REPOSITORY = Path(__file__).resolve().parents[2]
# All that AWS does at times. A step of the endpoint's update waits 300 s, and metrics come up to
# 120 s late: the same at a twentieth of it.
UNKIND = (
    *("--unkind", "--shorter-waits", "20", "--late-metrics", "6"),
    *("--late-names", "3", "--access-logs", "2"),
)
ORDER = (
    *("test_first_run", "test_contracts", "test_planning", "test_transform"),
    *("test_growing_data", "test_later_runs", "test_grants"),
)
"""Of the tests of the one rehearsal: the later add runs to it, the last end its stacks."""


class Worlds(LoadScopeScheduling):
    """Sends the tests of a rehearsal to one worker.

    As `--dist loadgroup` would, had it not stopped grouping with pytest 9.2:
    https://github.com/pytest-dev/pytest-xdist/issues/1386
    """

    def _split_scope(self, nodeid: str) -> str:
        name = Path(nodeid.partition("::")[0]).stem
        return "rehearsed" if name in ORDER else name


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Worlds:
    return Worlds(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if item.path.parent == Path(__file__).parent]
    here.sort(key=lambda item: [*ORDER, item.path.stem].index(item.path.stem))
    items[:] = [item for item in items if item not in here] + here


@dataclass(frozen=True)
class Rehearsed:
    """A finished rehearsal whose AWS still runs."""

    folder: Path
    variables: dict[str, str]
    printed: str
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._new_client(service)
        return self._clients[service]

    def _new_client(self, service: str) -> Any:
        session: Any = boto3.session.Session()
        return session.client(
            service,
            region_name=self.variables["AWS_REGION"],
            endpoint_url=self.variables["AWS_ENDPOINT_URL"],
            aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
        )

    def outputs(self, unit: str) -> dict[str, str]:
        name = f"shardwise-dev-{unit}"
        stack = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def run(self, *words: str, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
        """Runs a command of the project against this rehearsal."""
        return subprocess.run(
            words,
            cwd=cwd,
            env=os.environ | self.variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    def executions(self) -> list[dict[str, Any]]:
        """All executions of the pipeline, the oldest first."""
        found: list[dict[str, Any]] = self.client("sagemaker").list_pipeline_executions(
            PipelineName=self.outputs("training")["PipelineName"],
            SortBy="CreationTime",
            SortOrder="Ascending",
        )["PipelineExecutionSummaries"]
        return found

    def steps(self, execution_arn: str) -> dict[str, dict[str, Any]]:
        """Steps by name."""
        found = self.client("sagemaker").list_pipeline_execution_steps(
            PipelineExecutionArn=execution_arn
        )["PipelineExecutionSteps"]
        return {step["StepName"]: step for step in found}

    def job(self, step: dict[str, Any]) -> dict[str, Any]:
        """The description of the training or processing job that a step started."""
        ((kind, found),) = step["Metadata"].items()
        shown, sagemaker = found["Arn"].rpartition("/")[2], self.client("sagemaker")
        if kind == "TrainingJob":
            listed = sagemaker.list_training_jobs(NameContains=shown)["TrainingJobSummaries"]
            # An ARN has the name in lower case.
            (name,) = {job["TrainingJobName"] for job in listed}
            return dict(sagemaker.describe_training_job(TrainingJobName=name))
        listed = sagemaker.list_processing_jobs(NameContains=shown)["ProcessingJobSummaries"]
        (name,) = {job["ProcessingJobName"] for job in listed}
        return dict(sagemaker.describe_processing_job(ProcessingJobName=name))

    def read(self, bucket: str, key: str) -> bytes:
        body: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def objects(self, execution_id: str) -> list[dict[str, Any]]:
        """Rows of an execution's `objects.parquet`."""
        content = self._lineage(execution_id, "objects.parquet")
        rows: list[dict[str, Any]] = parquet.read_table(io.BytesIO(content)).to_pylist()
        return rows

    def dataset(self, execution_id: str) -> dict[str, Any]:
        """An execution's `dataset.json`."""
        found: dict[str, Any] = json.loads(self._lineage(execution_id, "dataset.json"))
        return found

    def quarantine(self, execution_id: str) -> list[dict[str, Any]]:
        """Lines of all hosts of an execution."""
        bucket = self.outputs("data")["ArtifactsBucketName"]
        return [
            json.loads(line)
            for key in self.keys(bucket, f"lineage/{execution_id}/quarantine/")
            for line in self.read(bucket, key).splitlines()
        ]

    def _lineage(self, execution_id: str, name: str) -> bytes:
        bucket = self.outputs("data")["ArtifactsBucketName"]
        return self.read(bucket, f"lineage/{execution_id}/{name}")

    def shards(self, execution_id: str, channel: str) -> dict[str, list[str]]:
        """Keys of the records of each shard of a channel, by its file's name."""
        bucket = self.outputs("data")["WorkingBucketName"]
        prefix = f"executions/{execution_id}/shards/{channel}/"
        return {
            key.removeprefix(prefix): list(tfrecords.keys(self.read(bucket, key)))
            for key in self.keys(bucket, prefix)
        }

    def keys(self, bucket: str, prefix: str) -> list[str]:
        pages = (
            self.client("s3")
            .get_paginator("list_objects_v2")
            .paginate(Bucket=bucket, Prefix=prefix)
        )
        return [item["Key"] for page in pages for item in page.get("Contents", [])]


@pytest.fixture(scope="session")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsed]:
    """The rehearsal that most tests look into, on two hosts."""
    with rehearse(tmp_path_factory.mktemp("rehearsal"), "--hosts", "2") as rehearsal:
        yield rehearsal


@contextmanager
def rehearse(folder: Path, *options: str) -> Iterator[Rehearsed]:
    """A rehearsal in a folder, whose AWS runs as long as the block."""
    run = subprocess.run(
        ["./scripts/rehearse", "--keep", "--folder", str(folder), *UNKIND, *FEWER_EPOCHS, *options],
        cwd=REPOSITORY,
        env=_environment_without_aws(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=1200,
    )
    try:
        assert run.returncode == 0, run.stdout
        yield Rehearsed(folder, lifecycle.variables(folder / "aws"), run.stdout)
    finally:
        subprocess.run(
            ["./scripts/local-aws", "stop", "--state", str(folder / "aws")],
            cwd=REPOSITORY,
            check=False,
            timeout=120,
        )


def _environment_without_aws() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
