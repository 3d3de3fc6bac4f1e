"""Requests that are small and whole."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.rehearsal.conftest import ROLE

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/tests:1"
_numbers = itertools.count(1)


def make_config(sagemaker: Any, name: str, **container: Any) -> str:
    """A configuration of one instance, and its model, both of that name; gives it."""
    sagemaker.create_model(
        ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE} | container
    )
    variant = {
        "VariantName": "all",
        "ModelName": name,
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
    }
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    return name


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"t{next(_numbers)}"


@pytest.fixture(scope="session")
def processing() -> Callable[..., dict[str, Any]]:
    def request(name: str, outcome: str = "Completed", **more: Any) -> dict[str, Any]:
        return {
            "ProcessingJobName": name,
            "RoleArn": ROLE,
            "AppSpecification": {"ImageUri": IMAGE},
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceCount": 1,
                    "InstanceType": "ml.m5.large",
                    "VolumeSizeInGB": 1,
                }
            },
            "Environment": {"OUTCOME": outcome},
        } | more

    return request


@pytest.fixture(scope="session")
def training() -> Callable[..., dict[str, Any]]:
    def request(name: str, outcome: str = "Completed", **more: Any) -> dict[str, Any]:
        return {
            "TrainingJobName": name,
            "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "OutputDataConfig": {"S3OutputPath": "s3://tests/models"},
            "ResourceConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 1,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            "Environment": {"OUTCOME": outcome},
        } | more

    return request


@pytest.fixture(scope="session")
def definition(processing: Callable[..., dict[str, Any]]) -> Callable[..., str]:
    """A definition of one processing step."""

    def body(outcome: str = "Completed") -> str:
        arguments = processing("x", outcome)
        del arguments["ProcessingJobName"]
        return json.dumps(
            {
                "Version": "2020-12-01",
                "Parameters": [
                    {"Name": "Epochs", "Type": "Integer", "DefaultValue": 3},
                    {
                        "Name": "Drop",
                        "Type": "String",
                        "DefaultValue": "a",
                        "EnumValues": ["a", "b"],
                    },
                ],
                "Steps": [{"Name": "Work", "Type": "Processing", "Arguments": arguments}],
            }
        )

    return body


@pytest.fixture
def pipeline(sagemaker: Any, name: str, definition: Callable[..., str]) -> Callable[..., str]:
    """Makes a pipeline and gives its name."""

    def make(outcome: str = "Completed") -> str:
        sagemaker.create_pipeline(
            PipelineName=name, PipelineDefinition=definition(outcome), RoleArn=ROLE
        )
        return name

    return make
