"""Gives the serving stack the model package that was approved."""

import hashlib
import logging
import os
from typing import TYPE_CHECKING, Literal, TypedDict

import boto3
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

# The stack has roles; UpdateStack wants that acknowledged even when the template stays.
_CAPABILITIES: list[Literal["CAPABILITY_IAM"]] = ["CAPABILITY_IAM"]


class _Detail(TypedDict):
    ModelPackageArn: str


class ModelPackageStateChange(TypedDict):
    """What is read of the event.

    https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
    """

    detail: _Detail


class Stack(TypedDict):
    """The stack to change and the parameter that holds the model package's ARN."""

    name: str
    parameter: str


def handler(event: ModelPackageStateChange, context: object) -> None:
    """Updates the stack, or proposes a change set, as ACTION says."""
    client = boto3.client("cloudformation")
    stack = Stack(name=os.environ["STACK_NAME"], parameter=os.environ["PARAMETER"])
    package = event["detail"]["ModelPackageArn"]
    act = {"update": update, "propose": propose}[os.environ["ACTION"]]
    act(client, stack, package)


def update(client: "CloudFormationClient", stack: Stack, package: str) -> None:
    """Updates the stack; nothing happens where it has that package.

    An update in progress is an error, so that the event is tried again and ends in the dead-letter
    queue.
    """
    parameters = _parameters(client, stack, package)
    if parameters is None:
        return
    try:
        client.update_stack(
            StackName=stack["name"],
            UsePreviousTemplate=True,
            Parameters=parameters,
            Capabilities=_CAPABILITIES,
        )
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise
        logger.info("%s has %s already.", stack["name"], package)
        return
    logger.info("%s is being updated to %s.", stack["name"], package)


def propose(client: "CloudFormationClient", stack: Stack, package: str) -> None:
    """Makes a change set that a person executes; one a package, however often it is approved."""
    parameters = _parameters(client, stack, package)
    if parameters is None:
        return
    name = change_set_name(package)
    try:
        client.create_change_set(
            StackName=stack["name"],
            ChangeSetName=name,
            ChangeSetType="UPDATE",
            Description=f"Serve {package}",
            UsePreviousTemplate=True,
            Parameters=parameters,
            Capabilities=_CAPABILITIES,
        )
    except client.exceptions.AlreadyExistsException:
        logger.info("%s has the change set %s already.", stack["name"], name)
        return
    logger.info("Execute the change set %s of %s to serve %s.", name, stack["name"], package)


def change_set_name(package: str) -> str:
    """`model-<version>-<digest of the ARN>`, the same for the same package."""
    digest = hashlib.sha256(package.encode()).hexdigest()[:12]
    version = "".join(c for c in package.rsplit("/", 1)[-1] if c.isascii() and c.isalnum())
    return f"model-{version[:64]}-{digest}"


def _parameters(
    client: "CloudFormationClient", stack: Stack, package: str
) -> "list[ParameterTypeDef] | None":
    """The stack's parameters with the new package, or None where it has it already."""
    current = client.describe_stacks(StackName=stack["name"])["Stacks"][0].get("Parameters", [])
    if {"ParameterKey": stack["parameter"], "ParameterValue": package} in current:
        logger.info("%s has %s already.", stack["name"], package)
        return None
    others: list[ParameterTypeDef] = [
        {"ParameterKey": parameter["ParameterKey"], "UsePreviousValue": True}
        for parameter in current
        if parameter["ParameterKey"] != stack["parameter"]
    ]
    return [{"ParameterKey": stack["parameter"], "ParameterValue": package}, *others]
