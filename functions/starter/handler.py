"""Starts the pipeline for drops and for drift, whatever event arrives."""

import functools
import logging
import os
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import boto3

from functions.shared import Point, put_points

from .executions import Executions
from .plan import Guards
from .reconciler import Reconciler
from .records import Event, Outcome
from .s3 import Datasets, Markers
from .table import Table

logging.getLogger().setLevel(logging.INFO)


def handler(event: Event, context: object) -> dict[str, Any] | None:
    """Records what the event tells and works out the rest from the table and SageMaker.

    So an event may come twice, late or after a newer one. An error lets Lambda try it again; it
    ends in the dead-letter queue.

    Returns:
        The fields of the `Outcome`, or None where another event's function sees to the drop.

    Raises:
        StarterError: A person is needed.
    """
    pipeline = os.environ["PIPELINE_NAME"]
    outcome = reconciler(pipeline).hear(event)
    if outcome is None:
        return None
    put_points(_cloudwatch(), os.environ["NAMESPACE"], _points(outcome, pipeline))
    return asdict(outcome)


def _points(outcome: Outcome, pipeline: str) -> list[Point]:
    """What people are told by: how much waits, and how much of that waits for a person."""
    # An execution that runs ends by itself.
    held = outcome.given_up + (outcome.waiting if outcome.is_held_by_guard else 0)
    of = {"PipelineName": pipeline}
    return [
        Point("WaitingDrops", outcome.waiting, "Count", of),
        Point("HeldDrops", held, "Count", of),
    ]


# Made once: an invocation that finds the function warm has all clients, which take longer to make
# than to use.
@functools.cache
def _cloudwatch() -> Any:
    return boto3.client("cloudwatch")


@functools.cache
def reconciler(pipeline: str) -> Reconciler:
    """The parts, as the function's environment variables say."""
    s3 = boto3.client("s3")
    return Reconciler(
        table=Table(boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])),
        executions=Executions(boto3.client("sagemaker"), pipeline),
        markers=Markers(s3, os.environ["DROPS_BUCKET"]),
        datasets=Datasets(s3, os.environ["ARTIFACTS_BUCKET"]),
        guards=Guards(
            concurrent_executions=int(os.environ["CONCURRENT_EXECUTIONS"]),
            executions_per_day=int(os.environ["EXECUTIONS_PER_DAY"]),
        ),
        now=lambda: datetime.now(UTC),
    )
