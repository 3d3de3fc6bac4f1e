"""Which IAM action a request is, and on which resource:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

_TARGET = "SageMaker."
_INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations")
# The lists that are of one resource; the others are of the account.
_LISTS_OF_ONE = frozenset(
    {
        "ListPipelineExecutions",
        "ListPipelineExecutionSteps",
        "ListPipelineParametersForExecution",
        "ListTags",
    }
)
# The first that a request has is its resource: a CreateEndpoint names a configuration too.
_MEMBERS = {
    "PipelineExecutionArn": "",
    "ResourceArn": "",
    "ModelPackageArn": "",
    "PipelineName": "pipeline",
    "ProcessingJobName": "processing-job",
    "TrainingJobName": "training-job",
    "EndpointName": "endpoint",
    "EndpointConfigName": "endpoint-config",
    "ModelName": "model",
    "ModelPackageName": "model-package",
    "ModelPackageGroupName": "model-package-group",
}


def action(target: str, path: str) -> str | None:
    """e.g. `sagemaker:CreateModel`.

    :param target: the header X-Amz-Target; empty for the runtime.
    """
    if target.startswith(_TARGET):
        return f"sagemaker:{target.removeprefix(_TARGET)}"
    return "sagemaker:InvokeEndpoint" if _INVOCATION.fullmatch(path) else None


def resource(target: str, path: str, body: bytes, arn: Callable[[str], str]) -> str:
    """The ARN, or `*` for the operations that name none, as most lists.

    :param arn: makes e.g. `model/mine` an ARN.
    """
    if match := _INVOCATION.fullmatch(path):
        return arn(f"endpoint/{match[1]}")
    operation = target.removeprefix(_TARGET)
    if operation.startswith("List") and operation not in _LISTS_OF_ONE:
        return "*"
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return "*"
    for member, kind in _MEMBERS.items():
        name = request.get(member) if isinstance(request, dict) else None
        if isinstance(name, str):
            return name if name.startswith("arn:") else arn(f"{kind}/{name}")
    return "*"
