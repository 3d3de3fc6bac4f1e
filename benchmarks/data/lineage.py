"""`./scripts/lineage` on many large executions, in a local S3."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
from rich.console import Console

from benchmarks.harness.programs import REPOSITORY, BenchmarkError
from benchmarks.harness.table import Row
from rehearsal import lifecycle

Clients = Callable[[Any], Any]

BUCKETS = {
    name: f"benchmark-{name.removesuffix('BucketName').lower()}"
    for name in ("DropsBucketName", "WorkingBucketName", "ArtifactsBucketName")
}
GROUP = "shardwise-dev"
REPETITIONS = 3


def lineage_rows(run: Path, executions: int, folder: Path, console: Console) -> list[Row]:
    """How long the two questions take over `executions` copies of the lineage in `run`."""
    console.print(f"Lineage of {executions} executions")
    table = pq.ParquetFile(run / "objects.parquet")
    objects = table.metadata.num_rows
    key = table.read_row_group(0, ["key"])["key"][0].as_py()
    with _rehearsal(folder / "rehearsal") as variables:
        clients = partial(
            boto3.client,
            endpoint_url=variables["AWS_ENDPOINT_URL"],
            region_name=variables["AWS_REGION"],
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        )
        _deploy(clients)
        for number in range(executions):
            _write(clients, run, f"execution{number:02d}", objects)
        uri = f"s3://{BUCKETS['DropsBucketName']}/{key}"
        whole = f"{executions} executions of {objects:,} objects"
        questions = {
            f"lineage object, {whole}": ("object", uri),
            f"lineage model --summary, {whole}": ("model", "latest", "--summary"),
            f"lineage model, all {objects:,} objects": ("model", "latest"),
        }
        return [
            Row(what, _seconds(variables, *words), "", None) for what, words in questions.items()
        ]


def _seconds(variables: Mapping[str, str], *arguments: str) -> str:
    """The command from its start to its end."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    taken = []
    for _ in range(REPETITIONS):
        started = time.perf_counter()
        ended = subprocess.run(
            [sys.executable, "-P", "-m", "scripts.commands", "lineage", *arguments],
            env=inherited | {"PYTHONPATH": str(REPOSITORY), **variables},
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        taken.append(time.perf_counter() - started)
        if ended.returncode:
            raise BenchmarkError(f"lineage {arguments} failed: {ended.stderr.decode()[-2000:]}")
    return f"{statistics.median(taken):.1f} s"


@contextmanager
def _rehearsal(folder: Path) -> Iterator[dict[str, str]]:
    """The variables that lead to an AWS on this machine."""
    state = folder / "state"
    try:
        yield lifecycle.start(state, cache=folder / "cache")
    finally:
        lifecycle.stop(state)


def _deploy(clients: Clients) -> None:
    """Stacks with the outputs that the command reads, empty buckets and a group of packages."""
    for bucket in BUCKETS.values():
        clients("s3").create_bucket(Bucket=bucket)
    training = {"PipelineName": GROUP, "ModelPackageGroupName": GROUP}
    cloudformation = clients("cloudformation")
    for unit, outputs in (("data", BUCKETS), ("training", training)):
        template = {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
        name = f"shardwise-dev-{unit}"
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name)
    clients("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)


def _write(clients: Clients, run: Path, execution_id: str, objects: int) -> None:
    """A lineage, and the package of the model that came of it."""
    s3 = clients("s3")
    artifacts = BUCKETS["ArtifactsBucketName"]
    for name in ("objects.parquet", "membership.parquet"):
        s3.upload_file(str(run / name), artifacts, f"lineage/{execution_id}/{name}")
    dataset = {
        "schema": 2,
        "execution_id": execution_id,
        "drops": f"s3://{BUCKETS['DropsBucketName']}/drops/",
        "drop_id": "drop-000",
        "objects": objects,
        "included_drops": [],
        "counts": {},
    }
    body = json.dumps(dataset).encode()
    s3.put_object(Bucket=artifacts, Key=f"lineage/{execution_id}/dataset.json", Body=body)
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:pipeline/{GROUP}/execution/{execution_id}"
    clients("sagemaker").create_model_package(
        ModelPackageGroupName=GROUP,
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"PipelineExecutionArn": arn},
        InferenceSpecification={
            "Containers": [{"Image": "image", "ModelDataUrl": "s3://bucket/model.tar.gz"}],
            "SupportedContentTypes": ["image/jpeg"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )
