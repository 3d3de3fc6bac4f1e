"""Events that failed, and the functions that they are for, as the deployed stacks say.

A queue's messages come from two places: Lambda, after it has tried an event in vain, and
EventBridge, which could not hand one over. SQS's own redrive (StartMessageMoveTask) knows neither:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from scripts.deployed import stacks

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

UNITS = ("trigger", "serving", "operations")
# Longer than the functions take, so that nobody else gets a message that is being handled.
INVISIBLE_SECONDS = 900
_AT_ONCE = 10


@dataclass(frozen=True)
class Queue:
    """A queue of failed events, and the ARNs of the functions whose events it keeps."""

    name: str
    url: str
    functions: tuple[str, ...]


@dataclass(frozen=True)
class DeadLetter:
    """One failed event; the function's ARN is empty where the message does not say it."""

    receipt: str
    sent: datetime
    event: dict[str, Any]
    reason: str
    function: str

    @property
    def what(self) -> str:
        """Its kind and what it is about, for a person."""
        detail = self.event.get("detail", {})
        about = (
            detail.get("object", {}).get("key")
            or detail.get("pipelineExecutionArn")
            or detail.get("ModelPackageArn")
            or detail.get("stack-id")
            or detail.get("alarmName")
            or detail.get("Id")
        )
        return f"{self.event.get('detail-type', 'an event')} {about or ''}".strip()


def queues(session: boto3.Session, environment: str) -> list[Queue]:
    """Of all stacks of the environment that are deployed and have functions."""
    found: list[Queue] = []
    for unit in UNITS:
        resources = _resources(session, stacks.stack_name(environment, unit))
        functions = [name for kind, _, name in resources if kind == "AWS::Lambda::Function"]
        dead_letters = _dead_letters_of(session, functions)
        for kind, logical_id, url in resources:
            if kind == "AWS::SQS::Queue" and (own := dead_letters.get(_arn_of(session, url))):
                found.append(Queue(f"{unit}/{logical_id}", url, tuple(own)))
    return found


def receive(session: boto3.Session, queue: Queue) -> Iterator[DeadLetter]:
    """All that lie in the queue now; nobody else gets one meanwhile."""
    client = session.client("sqs")
    while True:
        messages = client.receive_message(
            QueueUrl=queue.url,
            MaxNumberOfMessages=_AT_ONCE,
            VisibilityTimeout=INVISIBLE_SECONDS,
            WaitTimeSeconds=1,
            AttributeNames=["SentTimestamp"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        if not messages:
            return
        yield from map(_dead_letter, messages)


def receiver_of(session: boto3.Session, queue: Queue, letter: DeadLetter) -> str | None:
    """ARN of the function that the message names, or whose rule takes its event; None for none."""
    if letter.function in queue.functions:
        return letter.function
    if len(queue.functions) == 1:
        return queue.functions[0]
    for function in queue.functions:
        rules = session.client("events").list_rule_names_by_target(TargetArn=function)["RuleNames"]
        if any(_takes(session, rule, letter.event) for rule in rules):
            return function
    return None


def _takes(session: boto3.Session, rule: str, event: dict[str, Any]) -> bool:
    client = session.client("events")
    described = client.describe_rule(Name=rule)
    if described["Arn"] in event.get("resources", []):
        return True  # a schedule's event names its rule
    pattern = described.get("EventPattern")
    return (
        bool(pattern)
        and client.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"]
    )


def _dead_letter(message: "MessageTypeDef") -> DeadLetter:
    body = json.loads(message["Body"])
    attributes = {
        name: value.get("StringValue", "")
        for name, value in message.get("MessageAttributes", {}).items()
    }
    # A record for a destination has the event in it, a dead letter is the event.
    event = body.get("requestPayload", body)
    context, response = body.get("requestContext", {}), body.get("responsePayload") or {}
    return DeadLetter(
        receipt=message["ReceiptHandle"],
        sent=datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC),
        event=event,
        reason=response.get("errorMessage")
        or attributes.get("ErrorMessage")
        or attributes.get("ERROR_MESSAGE")
        or "no reason given",
        function=context.get("functionArn", "").removesuffix(":$LATEST")
        or attributes.get("TARGET_ARN", ""),
    )


def _resources(session: boto3.Session, stack: str) -> list[tuple[str, str, str]]:
    """Type, logical and physical id of each; none where the stack is not deployed."""
    pages = session.client("cloudformation").get_paginator("list_stack_resources")
    three = "[ResourceType, LogicalResourceId, PhysicalResourceId]"
    found = pages.paginate(StackName=stack).search(
        f"StackResourceSummaries[?PhysicalResourceId].{three}"
    )
    try:
        return [tuple(each) for each in found]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return []


def _dead_letters_of(session: boto3.Session, functions: list[str]) -> dict[str, list[str]]:
    """ARNs of the functions by the ARN of the queue that their failed events go to."""
    client = session.client("lambda")
    found = defaultdict(list)
    for name in functions:
        described = client.get_function_configuration(FunctionName=name)
        if queue := described.get("DeadLetterConfig", {}).get("TargetArn"):
            found[queue].append(described["FunctionArn"])
    return found


def _arn_of(session: boto3.Session, url: str) -> str:
    return session.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])[
        "Attributes"
    ]["QueueArn"]
