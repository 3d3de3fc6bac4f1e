"""The deployed stacks of an environment: their outputs and their roles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from infra.assembly import UNITS
from rehearsal.grants import Role
from scripts.console import CommandError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

# CDK ends a logical id with a digest of its path.
_DIGEST = re.compile(r"[0-9A-F]{8}$")


def environment_name(environment: str) -> str:
    """What names of an environment's resources begin with."""
    return f"shardwise-{environment}"


def stack_name(environment: str, unit: str) -> str:
    """The name of a unit's stack, such as `data`."""
    return f"{environment_name(environment)}-{unit}"


def settings_file(environment: str) -> str:
    """The file of an environment, or of a sandbox's."""
    return f"infra/environments/{environment.partition('-')[0]}.toml"


def deploy_command(environment: str) -> str:
    """What deploys an environment, or the sandbox `dev-anna`."""
    option = f" -c environment={environment}" if "-" in environment else ""
    return f"./scripts/cdk deploy '{environment}/*'{option}"


def describe(session: boto3.Session, environment: str, unit: str) -> StackTypeDef:
    """A unit's stack; CommandError where it is not deployed."""
    name = stack_name(environment, unit)
    try:
        stacks = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        # CloudFormation has no error code of its own for a stack that is not there.
        if "does not exist" not in str(error):
            raise
        stacks = []
    if not stacks:
        raise CommandError(
            f"The stack {name} is not deployed: run {deploy_command(environment)} first."
        )
    return stacks[0]


def output(session: boto3.Session, environment: str, unit: str, key: str) -> str:
    """One output of a stack; CommandError where it is not deployed, or has no such output."""
    stack = describe(session, environment, unit)
    found = outputs_of(stack).get(key)
    if found is None:
        raise CommandError(
            f"The stack {stack['StackName']} ({stack['StackStatus']}) has no output {key}: "
            f"run {deploy_command(environment)} again."
        )
    return found


def outputs_of(stack: StackTypeDef) -> dict[str, str]:
    """A described stack's outputs by key."""
    return {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}


@dataclass(frozen=True)
class DeployedRole:
    """A role with its policies; its label `training/RolesProcessing` outlives deployments."""

    label: str
    role: Role


def roles_of(clients: Any, environment: str) -> list[DeployedRole]:
    """Every role of the environment's stacks with its inline policies, by label, or CommandError.

    Args:
        clients: makes a client of a service, as a boto3 session's `client`.
    """
    found: list[DeployedRole] = []
    iam, cloudformation = clients("iam"), clients("cloudformation")
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    there = set(pages.search("Stacks[?StackStatus!='DELETE_COMPLETE'].StackName"))
    for unit in UNITS:
        stack = stack_name(environment, unit)
        if stack not in there:
            continue
        resources = cloudformation.describe_stack_resources(StackName=stack)
        for resource in resources["StackResources"]:
            if resource["ResourceType"] == "AWS::IAM::Role":
                label = f"{unit}/{_DIGEST.sub('', resource['LogicalResourceId'])}"
                name = resource["PhysicalResourceId"]
                found.append(DeployedRole(label, Role(name, _policies(iam, name))))
    if not found:
        raise CommandError(
            f"No stack of {environment} has a role: run {deploy_command(environment)} first."
        )
    return sorted(found, key=lambda each: each.label)


def _policies(iam: Any, role: str) -> dict[str, dict[str, Any]]:
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return {
        name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in names
    }
