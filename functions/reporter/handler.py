"""Tells people, and CloudWatch, of what became of an execution or of an update."""

import functools
import logging
import os
from datetime import UTC, datetime
from typing import Any, TypedDict

import boto3

from functions.shared import Documents, EventType, put_points

from .costs import Prices
from .ledger import Ledger
from .messages import Message, Place
from .outputs import Outputs
from .reporter import Reporter

logging.getLogger().setLevel(logging.INFO)

Event = TypedDict("Event", {"id": str, "detail-type": str, "detail": dict[str, Any]})
"""https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html
"""


def handler(event: Event, context: object) -> None:
    """An error lets Lambda try the event again; it ends in the dead-letter queue.

    Raises:
        BusyError: another invocation has the same event.
        ValueError: an event of a kind that no rule here sends.
    """
    reporter = _reporter()
    match event["detail-type"]:
        case EventType.EXECUTION_CHANGED:
            reporter.execution(event["detail"])
        case EventType.STEP_CHANGED:
            reporter.step(event["detail"])
        case EventType.STACK_CHANGED:
            reporter.rollback(event["id"], event["detail"])
        case other:
            raise ValueError(f"The reporter knows no event {other!r}: correct the rule of it.")


# Made once: an invocation that finds the function warm has all clients.
@functools.cache
def _reporter() -> Reporter:
    """As the function's environment variables say."""
    s3 = boto3.client("s3")
    artifacts = Documents(s3, os.environ["ARTIFACTS_BUCKET"])
    region = os.environ["AWS_REGION"]
    return Reporter(
        sagemaker=boto3.client("sagemaker"),
        cloudformation=boto3.client("cloudformation"),
        logs=boto3.client("logs"),
        outputs=Outputs(Documents(s3, os.environ["WORKING_BUCKET"]), artifacts),
        ledger=Ledger(artifacts, lambda: datetime.now(UTC)),
        prices=Prices.from_json(os.environ["PRICES"], region),
        place=Place(os.environ["ENVIRONMENT"], os.environ["NAME"], region, os.environ["RUNBOOKS"]),
        pipeline=os.environ["PIPELINE_NAME"],
        put_points=functools.partial(
            put_points, boto3.client("cloudwatch"), os.environ["NAMESPACE"]
        ),
        publish=functools.partial(_publish, boto3.client("sns")),
    )


def _publish(client: Any, message: Message) -> None:
    client.publish(TopicArn=os.environ["TOPIC_ARN"], Subject=message.subject, Message=message.text)
