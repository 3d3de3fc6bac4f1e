"""The IAM action and resource of a request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.api import iam_actions

_ARN = "arn:aws:sagemaker:us-east-1:000000000000:"


def resource_of(operation: str, request: dict[str, Any], path: str = "/") -> str:
    target = f"SageMaker.{operation}" if operation else ""
    body = json.dumps(request).encode()
    return iam_actions.resource(target, path, body, lambda name: _ARN + name)


@pytest.mark.parametrize(
    ("operation", "request_members", "resource"),
    [
        ("CreateModel", {"ModelName": "m"}, "model/m"),
        ("CreateEndpoint", {"EndpointConfigName": "c", "EndpointName": "e"}, "endpoint/e"),
        ("CreateTransformJob", {"ModelName": "m", "TransformJobName": "t"}, "transform-job/t"),
        ("StartPipelineExecution", {"PipelineName": "p"}, "pipeline/p"),
        ("StopTrainingJob", {"TrainingJobName": "t"}, "training-job/t"),
        ("CreateModelPackage", {"ModelPackageGroupName": "g"}, "model-package/g/*"),
        ("ListModelPackages", {"ModelPackageGroupName": "g"}, None),
        ("ListTags", {"ResourceArn": f"{_ARN}model/m"}, "model/m"),
        (
            "DescribePipelineExecution",
            {"PipelineExecutionArn": f"{_ARN}pipeline/p/execution/1"},
            "pipeline/p/execution/1",
        ),
    ],
)
def test_a_request_is_about_the_resource_that_it_names_first(
    operation: str, request_members: dict[str, Any], resource: str | None
) -> None:
    wanted = "*" if resource is None else _ARN + resource
    assert resource_of(operation, request_members) == wanted


@pytest.mark.parametrize(
    ("path", "action"),
    [
        ("/endpoints/e/invocations", "sagemaker:InvokeEndpoint"),
        ("/endpoints/e/async-invocations", "sagemaker:InvokeEndpointAsync"),
    ],
)
def test_a_request_of_the_runtime_is_about_its_endpoint(path: str, action: str) -> None:
    assert iam_actions.action("", path) == action
    assert resource_of("", {}, path) == f"{_ARN}endpoint/e"
