"""Which IAM action a request is, and on which resource:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from rehearsal.api.dispatch import KINDS
from rehearsal.api.http import INVOCATION

_TARGET = "SageMaker."
_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(?P<name>[^:@]+)"
)
# The lists that are of one resource; the others are of the account.
_LISTS_OF_ONE = frozenset(
    {
        "ListPipelineExecutions",
        "ListPipelineExecutionSteps",
        "ListPipelineParametersForExecution",
        "ListTags",
    }
)
# Those that a request names its resource by, and the kind of what has no ARN.
_MEMBERS = {"ResourceArn": "", "ModelPackageArn": ""} | {
    each.name_member: each.kind for each in KINDS
}


def action(target: str, path: str) -> str | None:
    """e.g. `sagemaker:CreateModel`.

    Args:
        target: the header X-Amz-Target; empty for the runtime.
    """
    if target.startswith(_TARGET):
        return f"sagemaker:{target.removeprefix(_TARGET)}"
    if match := INVOCATION.fullmatch(path):
        return "sagemaker:InvokeEndpointAsync" if match[2] else "sagemaker:InvokeEndpoint"
    return None


def resource(target: str, path: str, body: bytes, arn: Callable[[str], str]) -> str:
    """The ARN, or `*` for the operations that name none, as most lists.

    Args:
        arn: makes e.g. `model/mine` an ARN.
    """
    if match := INVOCATION.fullmatch(path):
        return arn(f"endpoint/{match[1]}")
    operation = target.removeprefix(_TARGET)
    if operation.startswith("List") and operation not in _LISTS_OF_ONE:
        return "*"
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        request = None
    if not isinstance(request, dict):
        return "*"
    group = request.get("ModelPackageGroupName")
    if operation == "CreateModelPackage" and isinstance(group, str):
        # Its version is not known yet:
        # https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-version.html
        return arn(f"model-package/{group.rpartition('/')[2]}/*")
    for member, kind in _MEMBERS.items():
        if isinstance(name := request.get(member), str):
            return name if name.startswith("arn:") else arn(f"{kind}/{name}")
    return "*"


def further(main: str, request: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What a request asks for besides its own action: to pass a role, to tag what it makes, and to
    see the image and the archive of a model package.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-version.html

    Args:
        main: the ARN that its own action is on.

    Yields:
        actions, ARNs and condition keys.
    """
    for member in ("RoleArn", "ExecutionRoleArn"):
        if role := request.get(member):
            yield "iam:PassRole", role, {"iam:PassedToService": "sagemaker.amazonaws.com"}
    if request.get("Tags"):
        yield "sagemaker:AddTags", main, {}
    for container in (request.get("InferenceSpecification") or {}).get("Containers", []):
        if match := _IMAGE.match(container.get("Image", "")):
            arn = f"arn:aws:ecr:{match['region']}:{match['account']}:repository/{match['name']}"
            yield "ecr:BatchGetImage", arn, {}
        if data := container.get("ModelDataUrl"):
            yield "s3:GetObject", f"arn:aws:s3:::{data.removeprefix('s3://')}", {}
