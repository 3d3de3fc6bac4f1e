"""Why CloudFormation rolled an update of the serving stack back."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef

# What the deployer names its updates and change sets.
_TOKEN = re.compile(r"model-(\d+)-.*")


@dataclass(frozen=True)
class Rollback:
    """One update that was rolled back.

    Attributes:
        version: of the model package that it was to deploy; None where it was another change.
        reason: of the first resource that failed.
    """

    version: str | None
    reason: str


def newest(client: "CloudFormationClient", stack_id: str) -> Rollback:
    """Of a stack whose last update was rolled back.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
    """
    reason, version = "no event of the stack says why", None
    pages = client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    for page in pages:
        for event in page["StackEvents"]:  # newest first
            status = event.get("ResourceStatus", "")
            version = version or _version(event)
            if event.get("PhysicalResourceId") == stack_id:
                if status == "UPDATE_IN_PROGRESS":
                    return Rollback(version, reason)
            elif status.endswith("_FAILED"):
                said = event.get("ResourceStatusReason", "no reason given")
                reason = f"{event.get('LogicalResourceId')}: {said}"
    return Rollback(version, reason)


def _version(event: "StackEventTypeDef") -> str | None:
    match = _TOKEN.fullmatch(event.get("ClientRequestToken", ""))
    return match[1] if match else None
