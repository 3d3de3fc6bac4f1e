"""The deployed operations stack, and pipelines whose jobs only pretend."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.infra.cloud_assembly import CloudAssembly
from tests.infra.operations.deployed import NAME, Operations
from tests.rehearsal.conftest import ROLE, Server, eventually

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/tests:1"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def operations(
    tmp_path_factory: pytest.TempPathFactory, assembly: CloudAssembly
) -> Iterator[Operations]:
    server = Server(tmp_path_factory.mktemp("operations") / "state").start()
    try:
        yield Operations(server, assembly)
    finally:
        server.end()


@pytest.fixture(scope="session")
def inbox(operations: Operations) -> Callable[[], list[dict[str, str]]]:
    return operations.subscribe()


@pytest.fixture
def message(inbox: Callable[[], list[dict[str, str]]]) -> Callable[[str], str]:
    """The one message that names this, as soon as it is there."""

    def naming(text: str) -> str:
        def found() -> list[str]:
            return [m["Message"] for m in inbox() if text in m["Message"]]

        (only,) = eventually(found, inbox)
        return str(only)

    return naming


@pytest.fixture
def execute(operations: Operations) -> Callable[..., str]:
    """Runs these steps to the end as an execution of dev's pipeline, and gives its ARN.

    `meanwhile` is called with the ARN until it has ended.
    """
    sagemaker = operations.server.client("sagemaker")

    def run(
        *steps: dict[str, Any],
        description: str = "",
        meanwhile: Callable[[str], None] = lambda arn: None,
    ) -> str:
        body = {
            "Version": "2020-12-01",
            "Parameters": [{"Name": "DropId", "Type": "String", "DefaultValue": "first"}],
            "Steps": list(steps),
        }
        wanted = {"PipelineName": NAME, "PipelineDefinition": json.dumps(body), "RoleArn": ROLE}
        if sagemaker.list_pipelines()["PipelineSummaries"]:
            sagemaker.update_pipeline(**wanted)
        else:
            sagemaker.create_pipeline(**wanted)
        arn = sagemaker.start_pipeline_execution(
            PipelineName=NAME,
            PipelineExecutionDescription=description or "by a test",
            ClientRequestToken=f"{next(_numbers)}".ljust(32, "-"),
        )["PipelineExecutionArn"]

        def ended() -> bool:
            meanwhile(arn)
            return _ended(sagemaker, arn)

        eventually(ended)
        return str(arn)

    return run


def _ended(sagemaker: Any, arn: str) -> bool:
    execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    return execution["PipelineExecutionStatus"] not in {"Executing", "Stopping"}


@pytest.fixture
def train() -> Callable[..., dict[str, Any]]:
    """A step TrainModel whose job ends so."""

    def step(outcome: str) -> dict[str, Any]:
        arguments = {
            "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "OutputDataConfig": {"S3OutputPath": "s3://artifacts-of-dev/models"},
            "ResourceConfig": {
                "InstanceCount": 2,
                "InstanceType": "ml.c5.2xlarge",
                "VolumeSizeInGB": 1,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            "Environment": {"OUTCOME": outcome},
        }
        return {"Name": "TrainModel", "Type": "Training", "Arguments": arguments}

    return step
