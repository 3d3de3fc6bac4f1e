"""Outputs of the deployed stacks."""

from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from scripts.console import CommandError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef


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


def describe(session: boto3.Session, environment: str, unit: str) -> "StackTypeDef":
    """A unit's stack.

    Raises:
        CommandError: it is not deployed.
    """
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
    """One output of a stack.

    Raises:
        CommandError: the stack is not deployed, or has no such output, e.g. as its creation failed.
    """
    stack = describe(session, environment, unit)
    found = outputs_of(stack).get(key)
    if found is None:
        raise CommandError(
            f"The stack {stack['StackName']} ({stack['StackStatus']}) has no output {key}: "
            f"run {deploy_command(environment)} again."
        )
    return found


def outputs_of(stack: "StackTypeDef") -> dict[str, str]:
    """A described stack's outputs by key."""
    return {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}
