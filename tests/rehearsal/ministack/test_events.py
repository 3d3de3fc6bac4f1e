"""What EventBridge does with a function that fails."""

import io
import json
import zipfile

import pytest

from tests.rehearsal.conftest import ROLE, eventually

FUNCTION = """
import boto3, json, os

def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["CALLS"], MessageBody=json.dumps(event))
    if event["detail"]["fails"]:
        raise RuntimeError("told to fail")
"""


@pytest.fixture
def queues(server):
    """URLs of a queue of calls and of a dead-letter queue, and the ARN of the second."""
    sqs = server.client("sqs")
    calls, dead = (sqs.create_queue(QueueName=f"{n}-of-events")["QueueUrl"] for n in ("a", "b"))
    found = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    return calls, dead, found["Attributes"]["QueueArn"]


@pytest.fixture
def function(server, queues):
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", FUNCTION)
    made = server.client("lambda").create_function(
        FunctionName="of-events",
        Runtime="python3.11",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": {"CALLS": queues[0]}},
        DeadLetterConfig={"TargetArn": queues[2]},
    )
    return made["FunctionArn"]


@pytest.fixture
def put(server, function):
    events = server.client("events")
    events.put_rule(Name="of-events", EventPattern=json.dumps({"source": ["tests"]}))
    events.put_targets(Rule="of-events", Targets=[{"Id": "function", "Arn": function}])

    def event(**detail):
        entry = {"Source": "tests", "DetailType": "Test", "Detail": json.dumps(detail)}
        events.put_events(Entries=[entry])

    return event


def test_a_function_that_fails_is_asked_three_times_and_then_the_event_is_a_dead_letter(
    server, queues, put
):
    calls, dead, _ = queues
    sqs = server.client("sqs")
    put(fails=True, number=1)
    (letter,) = eventually(lambda: sqs.receive_message(QueueUrl=dead).get("Messages"))
    event = json.loads(letter["Body"])["requestPayload"]
    assert event["detail"] == {"fails": True, "number": 1}
    received = sqs.receive_message(QueueUrl=calls, MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(each["Body"])["id"] for each in received] == [event["id"]] * 3
