"""An asynchronous endpoint with a bucket of its own."""

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
    """A name that no other test has; also of its endpoint and its bucket."""
    return f"async-{next(_numbers)}"


@pytest.fixture
def endpoint(sagemaker: Any, s3: Any, name: str) -> Callable[..., str]:
    """Makes the endpoint."""

    def make(concurrency: int = 1, notify: dict[str, Any] | None = None) -> str:
        container = {"Image": IMAGE}
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
        output = {"S3OutputPath": f"s3://{name}/answers", "S3FailurePath": f"s3://{name}/failures"}
        sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {
                    "VariantName": "all",
                    "ModelName": name,
                    "InitialInstanceCount": 1,
                    "InstanceType": "ml.m5.large",
                }
            ],
            AsyncInferenceConfig={
                "OutputConfig": output | ({"NotificationConfig": notify} if notify else {}),
                "ClientConfig": {"MaxConcurrentInvocationsPerInstance": concurrency},
            },
        )
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        in_service(sagemaker, name)
        return name

    return make


def in_service(sagemaker: Any, name: str, instances: int = 1) -> None:
    def serves() -> bool:
        found = sagemaker.describe_endpoint(EndpointName=name)
        counts = [v["CurrentInstanceCount"] for v in found.get("ProductionVariants", [])]
        return found["EndpointStatus"] == "InService" and counts == [instances]

    eventually(serves)


@pytest.fixture
def invoke(server: Server, s3: Any, name: str) -> Callable[..., dict[str, Any]]:
    """Puts an input and asks for its answer."""
    runtime = server.client("sagemaker-runtime")

    def ask(body: bytes, **more: Any) -> dict[str, Any]:
        s3.put_object(Bucket=name, Key="inputs/one", Body=body)
        answer: dict[str, Any] = runtime.invoke_endpoint_async(
            EndpointName=name, InputLocation=f"s3://{name}/inputs/one", **more
        )
        return answer

    return ask


@pytest.fixture
def content(s3: Any) -> Callable[[str], bytes]:
    """What is at a location, as soon as it is."""

    def read(uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")

        def found() -> dict[str, Any] | None:
            try:
                answer: dict[str, Any] = s3.get_object(Bucket=bucket, Key=key)
            except s3.exceptions.NoSuchKey:
                return None
            return answer

        body: bytes = eventually(found)["Body"].read()
        return body

    return read
