"""Gives the serving stack the model package that should serve, whatever event arrives."""

import logging
import os

import boto3

from .approvals import Approvals
from .events import Event
from .packages import Packages
from .proposals import Proposals
from .reconciler import Reconciler, Way
from .stack import Stack
from .updates import Updates

logging.getLogger().setLevel(logging.INFO)


def handler(event: Event, context: object) -> None:
    """Notes what the event tells and then works out the rest from SageMaker, the table and the
    stack; so an event may come twice, late or after a newer one.

    An error lets Lambda try the event again; it ends in the dead-letter queue.

    Raises:
        DeployerError: the stack or a change set is in a state that needs a person.
    """
    reconciler().hear(event)


def reconciler() -> Reconciler:
    """The parts, as the function's environment variables say."""
    cloudformation = boto3.client("cloudformation")
    stack = Stack(cloudformation, os.environ["STACK_NAME"], os.environ["PARAMETER"])
    ways: dict[str, type[Way]] = {"update": Updates, "propose": Proposals}
    return Reconciler(
        Approvals(
            boto3.client("dynamodb"), os.environ["TABLE_NAME"], os.environ["MODEL_PACKAGE_GROUP"]
        ),
        Packages(boto3.client("sagemaker")),
        stack,
        ways[os.environ["ACTION"]](stack),
    )
