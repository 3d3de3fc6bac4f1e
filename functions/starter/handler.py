"""Starts the pipeline for drops and for drift, whatever event arrives."""

import logging
import os
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import boto3

from .datasets import Datasets
from .events import Event
from .executions import Executions
from .markers import Markers
from .metrics import Metrics
from .plan import Guards
from .reconciler import Parts, Reconciler
from .table import Table

logging.getLogger().setLevel(logging.INFO)


def handler(event: Event, context: object) -> dict[str, Any] | None:
    """Records what the event tells and then works out the rest from the table and SageMaker; so an
    event may come twice, late or after a newer one. Returns the fields of the `Outcome`, or None
    where another event's function sees to the drop.

    An error lets Lambda try the event again; it ends in the dead-letter queue.

    Raises:
        StarterError: a person is needed.
    """
    pipeline = os.environ["PIPELINE_NAME"]
    outcome = reconciler(pipeline).hear(event)
    if outcome is None:
        return None
    Metrics(boto3.client("cloudwatch"), os.environ["NAMESPACE"], pipeline).put(outcome)
    return asdict(outcome)


def reconciler(pipeline: str) -> Reconciler:
    """The parts, as the function's environment variables say."""
    return Reconciler(
        Parts(
            table=Table(boto3.client("dynamodb"), os.environ["TABLE_NAME"]),
            executions=Executions(boto3.client("sagemaker"), pipeline),
            markers=Markers(boto3.client("s3"), os.environ["DROPS_BUCKET"]),
            datasets=Datasets(boto3.client("s3"), os.environ["ARTIFACTS_BUCKET"]),
            guards=Guards(
                concurrent_executions=int(os.environ["CONCURRENT_EXECUTIONS"]),
                executions_per_day=int(os.environ["EXECUTIONS_PER_DAY"]),
            ),
            now=lambda: datetime.now(UTC),
        )
    )
