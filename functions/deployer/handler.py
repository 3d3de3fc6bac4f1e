"""Gives the serving stack the model package that should serve, whatever event arrives."""

import logging
import os

import boto3

from .approvals import Approvals, Event, Packages
from .reconciler import Reconciler
from .rollouts import ChangeSets, DirectUpdates, Rollout
from .stack import Stack

logging.getLogger().setLevel(logging.INFO)


def handler(event: Event, context: object) -> None:
    """Notes what the event tells and works out the rest from SageMaker, the table and the stack.

    So an event may come twice, late or after a newer one. An error lets Lambda try it again; it
    ends in the dead-letter queue.

    Raises:
        DeployerError: The stack or a change set is in a state that needs a person.
    """
    reconciler().hear(event)


def reconciler() -> Reconciler:
    """The parts, as the function's environment variables say."""
    table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])
    cloudformation = boto3.client("cloudformation")
    stack = Stack(cloudformation, os.environ["STACK_NAME"], os.environ["PARAMETER"])
    rollouts: dict[str, type[Rollout]] = {"update": DirectUpdates, "propose": ChangeSets}
    return Reconciler(
        Approvals(table, os.environ["MODEL_PACKAGE_GROUP"]),
        Packages(boto3.client("sagemaker")),
        stack,
        rollouts[os.environ["ACTION"]](stack),
    )
