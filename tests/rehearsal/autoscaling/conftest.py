"""An endpoint whose variant can be scaled."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.rehearsal.conftest import ROLE, Server, eventually

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/tests:1"
_numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"scaled-{next(_numbers)}"


@pytest.fixture
def scaling(server: Server) -> Any:
    return server.client("application-autoscaling")


@pytest.fixture
def instances() -> int:
    """How many the endpoint begins with."""
    return 1


@pytest.fixture
def endpoint(sagemaker: Any, name: str, instances: int) -> dict[str, str]:
    """Its variant as Application Auto Scaling names it."""
    container = {"Image": IMAGE}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {
        "VariantName": "all",
        "ModelName": name,
        "InitialInstanceCount": instances,
        "InstanceType": "ml.m5.large",
    }
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    described = sagemaker.describe_endpoint
    eventually(lambda: described(EndpointName=name)["EndpointStatus"] == "InService")
    return {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ResourceId": f"endpoint/{name}/variant/all",
    }


@pytest.fixture
def target(scaling: Any, endpoint: dict[str, str]) -> Callable[..., dict[str, str]]:
    """Makes it a scalable target."""

    def register(**more: Any) -> dict[str, str]:
        scaling.register_scalable_target(
            **endpoint, **({"MinCapacity": 1, "MaxCapacity": 4} | more)
        )
        return endpoint

    return register
