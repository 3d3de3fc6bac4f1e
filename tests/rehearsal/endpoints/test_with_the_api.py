"""Deployments on the real server: by CloudFormation and unmodified clients, and through a kill."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal import aws, lifecycle
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.endpoints.support import SERVER, put_model
from tests.rehearsal.images.support import ROLE, make_account, push_image, wait_until

BUCKET = "models"


class Rehearsal:
    """The real server, as `./scripts/local-aws` starts it."""

    def __init__(self, folder: Path) -> None:
        self._state, self._cache = folder / "state", folder / "cache"
        self.settings = self._start()
        make_account(self.settings)
        self.client("s3").create_bucket(Bucket=BUCKET)
        self.image = push_image(self.settings, folder / "context", SERVER)

    def _start(self) -> RehearsalSettings:
        led = lifecycle.start(self._state, cache=self._cache)
        port = int(led["AWS_ENDPOINT_URL"].rpartition(":")[2])
        return RehearsalSettings(self._state.resolve(), self._cache.resolve(), port)

    def client(self, service: str) -> Any:
        return aws.client(self.settings, service)

    def kill_and_start_again(self) -> None:
        services = self._state / "ministack" / "services"
        for file, text in (("ecr.json", self.image.rpartition(":")[2]), ("iam.json", "role/job")):
            wait_until(lambda f=services / file, t=text: f.exists() and t in f.read_text(), text)
        pid = lifecycle.running_pid(self._state)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.settings = self._start()

    def end(self) -> None:
        lifecycle.stop(self._state)

    def make_config(self, name: str, model: str | None = None, **more: Any) -> str:
        """An endpoint configuration of its name, whose model answers with its own name."""
        sagemaker = self.client("sagemaker")
        uri = put_model(self.settings, BUCKET, model or name)
        sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={"Image": self.image, "ModelDataUrl": uri},
        )
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": name,
            "InitialInstanceCount": 1,
            "InstanceType": "ml.m5.large",
        }
        sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[variant], **more
        )
        return name

    def describe(self, endpoint: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client("sagemaker").describe_endpoint(EndpointName=endpoint)
        return found

    def settled(self, endpoint: str) -> dict[str, Any]:
        wait_until(lambda: self.describe(endpoint)["EndpointStatus"] == "InService", "it serves")
        return self.describe(endpoint)

    def baking(self, endpoint: str) -> str | None:
        """The message of the baking period that is on."""
        pending = self.describe(endpoint).get("PendingDeploymentSummary")
        if pending is None:
            return None
        (status,) = pending["ProductionVariants"][0]["VariantStatus"]
        return str(status["StatusMessage"]) if status["Status"] == "Baking" else None

    def ask(self, endpoint: str, body: bytes = b"hi") -> str:
        answer = self.client("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, Body=body)
        return str(json.loads(answer["Body"].read())["model"])


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    running = Rehearsal(tmp_path_factory.mktemp("rehearsal"))
    yield running
    running.end()


class Load:
    """Clients that ask without a pause."""

    def __init__(self, rehearsal: Rehearsal, endpoint: str) -> None:
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self._endpoint = endpoint
        self._clients = [rehearsal.client("sagemaker-runtime") for _ in range(2)]
        self._enough = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(client,)) for client in self._clients
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, client: Any) -> None:
        while not self._enough.is_set():
            try:
                answer = client.invoke_endpoint(EndpointName=self._endpoint, Body=b"hi")
            except ClientError as error:
                self.failures.append(str(error))
            else:
                self.answers[json.loads(answer["Body"].read())["model"]] += 1


def template(image: str) -> dict[str, Any]:
    """An endpoint whose model is the parameter Data, with a canary and an alarm on its errors."""
    alarm = {
        "Namespace": "AWS/SageMaker",
        "MetricName": "Invocation5XXErrors",
        "Dimensions": [
            {"Name": "EndpointName", "Value": {"Ref": "AWS::StackName"}},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ],
        "Statistic": "Sum",
        "Period": 10,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }
    routing = {
        "Type": "CANARY",
        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
        "WaitIntervalInSeconds": {"Ref": "Wait"},
    }
    return {
        "Parameters": {"Data": {"Type": "String"}, "Wait": {"Type": "Number"}},
        "Resources": {
            "Errors": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm},
            "Model": {
                "Type": "AWS::SageMaker::Model",
                "Properties": {
                    "ExecutionRoleArn": ROLE,
                    "PrimaryContainer": {"Image": image, "ModelDataUrl": {"Ref": "Data"}},
                },
            },
            "Config": {
                "Type": "AWS::SageMaker::EndpointConfig",
                "Properties": {
                    "ProductionVariants": [
                        {
                            "VariantName": "AllTraffic",
                            "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                            "InitialInstanceCount": 1,
                            "InstanceType": "ml.m5.large",
                        }
                    ]
                },
            },
            "Endpoint": {
                "Type": "AWS::SageMaker::Endpoint",
                "Properties": {
                    "EndpointName": {"Ref": "AWS::StackName"},
                    "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                    "DeploymentConfig": {
                        "BlueGreenUpdatePolicy": {
                            "TrafficRoutingConfiguration": routing,
                            "TerminationWaitInSeconds": 0,
                        },
                        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": {"Ref": "Errors"}}]},
                    },
                },
            },
        },
    }


class Stack:
    def __init__(self, rehearsal: Rehearsal, name: str) -> None:
        self._rehearsal, self._name = rehearsal, name
        self._client = rehearsal.client("cloudformation")

    def create(self, model: str) -> str:
        body = json.dumps(template(self._rehearsal.image))
        self._client.create_stack(
            StackName=self._name, TemplateBody=body, Parameters=self._parameters(model, 0)
        )
        return self.settled()

    def update(self, model: str, wait: int) -> None:
        self._client.update_stack(
            StackName=self._name,
            UsePreviousTemplate=True,
            Parameters=self._parameters(model, wait),
        )

    def settled(self) -> str:
        wait_until(lambda: not self._status().endswith("IN_PROGRESS"), "the stack is settled")
        return self._status()

    def reasons(self) -> str:
        events = self._client.describe_stack_events(StackName=self._name)["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events)

    def _parameters(self, model: str, wait: int) -> list[dict[str, str]]:
        uri = put_model(self._rehearsal.settings, BUCKET, model)
        return [
            {"ParameterKey": "Data", "ParameterValue": uri},
            {"ParameterKey": "Wait", "ParameterValue": str(wait)},
        ]

    def _status(self) -> str:
        (stack,) = self._client.describe_stacks(StackName=self._name)["Stacks"]
        return str(stack["StackStatus"])


def test_a_good_model_goes_through_its_canary_and_a_bad_one_comes_back(
    rehearsal: Rehearsal,
) -> None:
    stack = Stack(rehearsal, "guarded")
    assert stack.create("one") == "CREATE_COMPLETE"
    with Load(rehearsal, "guarded") as asked:
        stack.update("two", wait=1)
        assert stack.settled() == "UPDATE_COMPLETE"
        assert asked.failures == []
        config = rehearsal.describe("guarded")["EndpointConfigName"]

        stack.update("bad", wait=600)
        assert stack.settled() == "UPDATE_ROLLBACK_COMPLETE"
        asked.answers.clear()
        wait_until(lambda: asked.answers.total() >= 20, "somebody answers")

    assert "is in the state ALARM" in stack.reasons()
    assert set(asked.answers) == {"two"}
    # Only the bad model's own answers failed.
    assert all("bad model" in failure for failure in asked.failures)
    endpoint = rehearsal.describe("guarded")
    assert endpoint["EndpointConfigName"] == config
    assert endpoint["EndpointStatus"] == "InService"
    assert "ALARM" in endpoint["FailureReason"]


@pytest.fixture
def canary() -> Callable[[int], dict[str, Any]]:
    def config(wait: int) -> dict[str, Any]:
        routing = {
            "Type": "CANARY",
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
            "WaitIntervalInSeconds": wait,
        }
        return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}

    return config


def test_an_endpoint_shows_how_far_its_update_is_and_takes_no_other(
    rehearsal: Rehearsal, canary: Callable[[int], dict[str, Any]]
) -> None:
    sagemaker = rehearsal.client("sagemaker")
    sagemaker.create_endpoint(
        EndpointName="watched", EndpointConfigName=rehearsal.make_config("watched-1")
    )
    rehearsal.settled("watched")
    rehearsal.make_config("watched-2")

    sagemaker.update_endpoint(
        EndpointName="watched", EndpointConfigName="watched-2", DeploymentConfig=canary(4)
    )
    wait_until(lambda: rehearsal.baking("watched") is not None, "the canary bakes")

    endpoint = rehearsal.describe("watched")
    assert endpoint["EndpointStatus"] == "Updating"
    assert endpoint["EndpointConfigName"] == "watched-1"
    assert endpoint["PendingDeploymentSummary"]["EndpointConfigName"] == "watched-2"
    assert endpoint["LastDeploymentConfig"] == canary(4)
    for call, request in (
        (sagemaker.update_endpoint, {"EndpointConfigName": "watched-1"}),
        (sagemaker.delete_endpoint, {}),
    ):
        with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
            call(EndpointName="watched", **request)
    endpoint = rehearsal.settled("watched")
    assert endpoint["EndpointConfigName"] == "watched-2"
    assert "PendingDeploymentSummary" not in endpoint
    assert rehearsal.ask("watched") == "watched-2"


@pytest.fixture
def received(rehearsal: Rehearsal) -> Callable[[], list[dict[str, Any]]]:
    """The details of all events of deployments so far."""
    sqs, events = rehearsal.client("sqs"), rehearsal.client("events")
    queue = sqs.create_queue(QueueName="deployments")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    pattern = {"detail-type": ["SageMaker Endpoint Deployment State Change"]}
    events.put_rule(Name="deployments", EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": arn["Attributes"]["QueueArn"]}
    events.put_targets(Rule="deployments", Targets=[target])
    kept: list[dict[str, Any]] = []

    def read() -> list[dict[str, Any]]:
        batch = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in batch:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            kept.append(json.loads(message["Body"])["detail"])
        return kept

    return read


def test_each_step_of_an_update_sends_an_event(
    rehearsal: Rehearsal,
    canary: Callable[[int], dict[str, Any]],
    received: Callable[[], list[dict[str, Any]]],
) -> None:
    sagemaker = rehearsal.client("sagemaker")
    sagemaker.create_endpoint(
        EndpointName="told", EndpointConfigName=rehearsal.make_config("told-1")
    )
    rehearsal.settled("told")
    sagemaker.update_endpoint(
        EndpointName="told",
        EndpointConfigName=rehearsal.make_config("told-2"),
        DeploymentConfig=canary(0),
    )
    rehearsal.settled("told")

    def steps() -> list[str]:
        return [
            detail["PendingDeploymentSummary"]["ProductionVariants"][0]["VariantStatus"][0][
                "Status"
            ]
            for detail in received()
            if detail["EndpointStatus"] == "UPDATING"
        ]

    shift = ["ActivatingTraffic", "Baking"]
    wait_until(lambda: steps() == ["Creating", *shift, *shift], "all events have come")


def test_instances_that_were_scaled_out_stay_where_an_update_retains_them(
    rehearsal: Rehearsal,
) -> None:
    sagemaker = rehearsal.client("sagemaker")
    sagemaker.create_endpoint(
        EndpointName="scaled", EndpointConfigName=rehearsal.make_config("scaled-1")
    )
    rehearsal.settled("scaled")
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="scaled",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}],
    )
    (variant,) = rehearsal.settled("scaled")["ProductionVariants"]
    assert variant["CurrentInstanceCount"] == 2

    rehearsal.make_config("scaled-2")
    sagemaker.update_endpoint(
        EndpointName="scaled", EndpointConfigName="scaled-2", RetainAllVariantProperties=True
    )

    endpoint = rehearsal.settled("scaled")
    assert endpoint["EndpointConfigName"] == "scaled-2"
    assert endpoint["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    with pytest.raises(ClientError, match="only that of an asynchronous endpoint"):
        sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="scaled",
            DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 0}],
        )


def test_a_rehearsal_that_is_killed_in_an_update_serves_the_model_of_before(
    rehearsal: Rehearsal, canary: Callable[[int], dict[str, Any]]
) -> None:
    sagemaker = rehearsal.client("sagemaker")
    sagemaker.create_endpoint(
        EndpointName="killed", EndpointConfigName=rehearsal.make_config("killed-1")
    )
    rehearsal.settled("killed")
    sagemaker.update_endpoint(
        EndpointName="killed",
        EndpointConfigName=rehearsal.make_config("killed-2"),
        DeploymentConfig=canary(600),
    )
    wait_until(lambda: rehearsal.baking("killed") is not None, "the canary bakes")

    rehearsal.kill_and_start_again()

    endpoint = rehearsal.settled("killed")
    assert endpoint["EndpointConfigName"] == "killed-1"
    assert "was stopped while this ran" in endpoint["FailureReason"]
    assert "PendingDeploymentSummary" not in endpoint
    assert {rehearsal.ask("killed") for _ in range(5)} == {"killed-1"}
