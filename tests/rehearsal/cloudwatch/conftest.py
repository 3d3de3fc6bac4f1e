"""A queue behind a rule of EventBridge."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.rehearsal.conftest import Server

_numbers = itertools.count(1)

Received = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"watched-{next(_numbers)}"


@pytest.fixture
def queue(server: Server, name: str) -> tuple[str, str]:
    """A queue's URL and ARN."""
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, found["Attributes"]["QueueArn"]


@pytest.fixture
def messages(server: Server, queue: tuple[str, str]) -> Callable[[], list[dict[str, Any]]]:
    """All that came into the queue up to now, as JSON."""
    sqs, kept = server.client("sqs"), []

    def received() -> list[dict[str, Any]]:
        for message in sqs.receive_message(QueueUrl=queue[0], MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            sqs.delete_message(QueueUrl=queue[0], ReceiptHandle=message["ReceiptHandle"])
            kept.append(json.loads(message["Body"]))
        return kept

    return received


@pytest.fixture
def events_of(
    server: Server, name: str, queue: tuple[str, str], messages: Callable[[], list[dict[str, Any]]]
) -> Iterator[Callable[[str, str], list[dict[str, Any]]]]:
    """Details of the events of a source about a resource."""
    client = server.client("events")
    pattern = {"source": ["aws.cloudwatch", "aws.cloudformation"]}
    client.put_rule(Name=name, EventPattern=json.dumps(pattern))
    client.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue[1]}])

    def of(detail_type: str, resource: str) -> list[dict[str, Any]]:
        return [
            event["detail"]
            for event in messages()
            if event["detail-type"] == detail_type and resource in event["resources"]
        ]

    yield of
    client.remove_targets(Rule=name, Ids=["queue"])
    client.delete_rule(Name=name)
