"""InvokeEndpointAsync, by an unmodified client."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from rehearsal import aws
from rehearsal.asynchronous.invocation import Runner
from rehearsal.service_model import now
from tests.rehearsal.asynchronous.conftest import in_service
from tests.rehearsal.conftest import eventually
from tests.rehearsal.images.support import ROLE, bucket, settings

__all__ = ["bucket", "settings"]


def test_an_answer_comes_to_the_output_path(endpoint, invoke, content, name):
    endpoint()
    asked = invoke(b"image", ContentType="image/jpeg", InferenceId="mine")
    assert asked["InferenceId"] == "mine"
    assert asked["OutputLocation"].startswith(f"s3://{name}/answers/")
    answer = json.loads(content(asked["OutputLocation"]))
    assert (answer["bytes"], answer["type"]) == (5, "image/jpeg")


def test_a_small_input_may_be_in_the_request(endpoint, server, content, name):
    endpoint()
    asked = server.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=name, Body=b"image", Filename="one.json", S3OutputPathExtension="today"
    )
    assert asked["OutputLocation"] == f"s3://{name}/answers/today/one.json"
    assert json.loads(content(asked["OutputLocation"]))["bytes"] == 5


def test_an_error_of_the_model_comes_to_the_failure_path(endpoint, invoke, content, name):
    endpoint()
    asked = invoke(b"bad")
    assert asked["FailureLocation"].startswith(f"s3://{name}/failures/")
    assert content(asked["FailureLocation"]) == b"no image"


def test_a_model_that_takes_too_long_is_a_failure(endpoint, invoke, content):
    endpoint()
    asked = invoke(b"sleep 60", InvocationTimeoutSeconds=1)
    assert content(asked["FailureLocation"]) == b"Your invocation timed out."


@pytest.fixture
def topics(server, name):
    """A queue of what two topics are told."""
    sqs, sns = server.client("sqs"), server.client("sns")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    arns = {}
    for outcome in ("Success", "Error"):
        arns[f"{outcome}Topic"] = sns.create_topic(Name=f"{name}-{outcome}")["TopicArn"]
        sns.subscribe(
            TopicArn=arns[f"{outcome}Topic"],
            Protocol="sqs",
            Endpoint=found["Attributes"]["QueueArn"],
        )

    def told():
        for message in sqs.receive_message(QueueUrl=queue).get("Messages", []):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            notification = json.loads(message["Body"])
            return notification["TopicArn"], json.loads(notification["Message"])
        return None

    return arns, told


def test_the_topic_of_each_outcome_is_told(endpoint, invoke, topics):
    arns, told = topics
    endpoint(notify=arns)
    asked = invoke(b"image", ContentType="image/png")
    topic, message = eventually(told)
    assert topic == arns["SuccessTopic"]
    assert message["invocationStatus"] == "Completed"
    assert message["responseParameters"]["outputLocation"] == asked["OutputLocation"]
    assert message["requestParameters"]["contentType"] == "image/png"

    invoke(b"bad", InferenceId="the bad one")
    topic, message = eventually(told)
    assert topic == arns["ErrorTopic"]
    assert message["invocationStatus"] == "Failed"
    assert message["inferenceId"] == "the bad one"
    assert 'client error (400) from model with message "no image"' in message["failureReason"]


def test_an_input_that_is_not_there_is_a_failure(endpoint, server, topics, name):
    arns, told = topics
    endpoint(notify=arns)
    server.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=name, InputLocation=f"s3://{name}/none"
    )
    topic, message = eventually(told)
    assert topic == arns["ErrorTopic"]
    assert "NoSuchKey" in message["failureReason"]


def latest(server, name, metric):
    """The newest value of an endpoint's metric."""
    now = datetime.now(UTC)
    found = server.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {
                "Id": "m",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/SageMaker",
                        "MetricName": metric,
                        "Dimensions": [{"Name": "EndpointName", "Value": name}],
                    },
                    "Period": 1,
                    "Stat": "Maximum",
                },
            }
        ],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(seconds=1),
    )
    values = found["MetricDataResults"][0]["Values"]
    return values[-1] if values else None


@pytest.fixture
def scale(sagemaker, name):
    def to(instances):
        wanted = {"VariantName": "all", "DesiredInstanceCount": instances}
        sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=name, DesiredWeightsAndCapacities=[wanted]
        )
        in_service(sagemaker, name, instances)

    return to


def test_what_no_instance_takes_waits_and_is_seen(endpoint, invoke, content, scale, server):
    name = endpoint()
    scale(0)
    asked = [invoke(b"one"), invoke(b"two")]
    eventually(lambda: latest(server, name, "HasBacklogWithoutCapacity") == 1.0)
    eventually(lambda: latest(server, name, "ApproximateBacklogSize") == 2.0)
    assert "Contents" not in server.client("s3").list_objects_v2(Bucket=name, Prefix="answers/")

    scale(1)
    for each in asked:
        content(each["OutputLocation"])
    eventually(lambda: latest(server, name, "ApproximateBacklogSizePerInstance") == 0.0)


def test_an_instance_has_no_more_at_a_time_than_it_takes(endpoint, invoke, server, name):
    endpoint(concurrency=1)
    for _ in range(3):
        invoke(b"sleep 4")
    eventually(lambda: (latest(server, name, "ApproximateAgeOfOldestRequest") or 0) > 0)


def test_what_waited_outlives_a_stop(own_server):
    runtime = own_server.client("sagemaker-runtime")
    sagemaker, s3 = own_server.client("sagemaker"), own_server.client("s3")
    s3.create_bucket(Bucket="kept")
    container = {"Image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/tests:1"}
    role = "arn:aws:iam::000000000000:role/tests"
    sagemaker.create_model(ModelName="kept", ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {"VariantName": "all", "ModelName": "kept", "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(
        EndpointConfigName="kept",
        ProductionVariants=[variant | {"InitialInstanceCount": 1}],
        AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://kept/answers"}},
    )
    sagemaker.create_endpoint(EndpointName="kept", EndpointConfigName="kept")
    in_service(sagemaker, "kept")
    asked = runtime.invoke_endpoint_async(EndpointName="kept", Body=b"sleep 3")
    own_server.end()
    own_server.start()

    def answered():
        found = own_server.client("s3").list_objects_v2(Bucket="kept")
        return [each["Key"] for each in found.get("Contents", [])]

    assert eventually(answered) == [asked["OutputLocation"].removeprefix("s3://kept/")]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({}, "exactly one of Body and InputLocation"),
        ({"Body": b"x", "RequestTTLSeconds": 30_000}, "less than or equal to 21600"),
        ({"Body": b"x", "EndpointName": "none"}, "not found"),
    ],
)
def test_a_request_that_cannot_be_is_refused(endpoint, server, name, more, sentence):
    endpoint()
    with pytest.raises(ClientError, match=sentence):
        server.client("sagemaker-runtime").invoke_endpoint_async(**{"EndpointName": name} | more)


def test_invoke_endpoint_is_not_for_it(endpoint, server, name):
    endpoint()
    with pytest.raises(ClientError, match="use InvokeEndpointAsync"):
        server.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=b"x")


def test_a_broken_endpoint_keeps_its_queue_and_holds_no_other_up(
    endpoint, invoke, content, sagemaker, server, name
):
    """One whose model is gone, as it was made before the other."""
    endpoint()
    model = sagemaker.describe_model(ModelName=name)
    broken = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    other = f"{name}-other"
    sagemaker.create_model(
        ModelName=other,
        ExecutionRoleArn=model["ExecutionRoleArn"],
        PrimaryContainer=model["PrimaryContainer"],
    )
    (variant,) = broken["ProductionVariants"]
    sagemaker.create_endpoint_config(
        EndpointConfigName=other,
        ProductionVariants=[variant | {"ModelName": other}],
        AsyncInferenceConfig=broken["AsyncInferenceConfig"],
    )
    sagemaker.create_endpoint(EndpointName=other, EndpointConfigName=other)
    in_service(sagemaker, other)
    sagemaker.delete_model(ModelName=name)
    asked = [invoke(b"image") for _ in range(3)]

    runtime = server.client("sagemaker-runtime")
    answered = runtime.invoke_endpoint_async(EndpointName=other, Body=b"image", Filename="a")
    assert json.loads(content(answered["OutputLocation"]))["bytes"] == 5

    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=model["ExecutionRoleArn"],
        PrimaryContainer=model["PrimaryContainer"],
    )
    for each in asked:
        assert json.loads(content(each["OutputLocation"]))["bytes"] == 5


def test_an_answer_that_takes_longer_than_its_roles_credentials_live_is_written(settings, bucket):
    class Slow:
        def invoke(self, *_):
            time.sleep(2.5)
            return 200, {}, b"answer"

    invocation = {
        "Id": "slow",
        "EndpointName": "slow",
        "Body": "",
        "InvocationTimeoutSeconds": 60,
        "OutputLocation": f"s3://{bucket}/answer",
        "ReceivedTime": now(),
    }
    runner = Runner(settings, Slow(), aws.Role(settings, ROLE, "async", 2), {}, lambda: False)

    assert runner.run(invocation).failure is None
    written = aws.client(settings, "s3").get_object(Bucket=bucket, Key="answer")
    assert written["Body"].read() == b"answer"
