"""The roles of an environment's stacks, from CloudFormation and IAM."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from rehearsal.grants import Grant, Role
from scripts.console import CommandError

# CDK ends a logical id with a digest of its path.
_DIGEST = re.compile(r"[0-9A-F]{8}$")


@dataclass(frozen=True)
class DeployedRole:
    """Attributes:
    label: e.g. `training/RolesProcessing`, which outlives a deployment.
    """

    label: str
    role: Role


def roles_of(clients: Any, environment: str) -> list[DeployedRole]:
    """Every role of the environment's stacks with its inline policies, by label.

    Args:
        clients: makes a client of a service, as a boto3 session's `client`.

    Raises:
        CommandError: no stack is deployed.
    """
    prefix = f"shardwise-{environment}-"
    found: list[DeployedRole] = []
    iam = clients("iam")
    for stack, unit in _stacks(clients("cloudformation"), prefix):
        resources = clients("cloudformation").describe_stack_resources(StackName=stack)
        for resource in resources["StackResources"]:
            if resource["ResourceType"] == "AWS::IAM::Role":
                label = f"{unit}/{_DIGEST.sub('', resource['LogicalResourceId'])}"
                name = resource["PhysicalResourceId"]
                found.append(DeployedRole(label, Role(name, _policies(iam, name))))
    if not found:
        raise CommandError(
            f"No stack of {environment} has a role: "
            f"run ./scripts/cdk deploy '{environment}/*' first."
        )
    return sorted(found, key=lambda each: each.label)


def put(iam: Any, grant: Grant, document: dict[str, Any] | None) -> None:
    """Gives a grant's policy another content; None takes the policy away."""
    names = {"RoleName": grant.role, "PolicyName": grant.policy}
    if document is None:
        iam.delete_role_policy(**names)
    else:
        iam.put_role_policy(**names, PolicyDocument=json.dumps(document))


def _stacks(cloudformation: Any, prefix: str) -> list[tuple[str, str]]:
    names = [
        stack["StackName"]
        for page in cloudformation.get_paginator("describe_stacks").paginate()
        for stack in page["Stacks"]
        if stack["StackStatus"] != "DELETE_COMPLETE"
    ]
    units = [
        "data",
        "images",
        "training",
        "trigger",
        "serving",
        "operations",
        "network",
        "security",
    ]
    return sorted(
        (name, name.removeprefix(prefix))
        for name in names
        if name.startswith(prefix) and name.removeprefix(prefix) in units
    )


def _policies(iam: Any, role: str) -> dict[str, dict[str, Any]]:
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return {
        name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in names
    }
