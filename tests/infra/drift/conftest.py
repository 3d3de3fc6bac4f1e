"""The stack with the comparison, deployed to a rehearsal by its own template, and what it reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import boto3
import pytest
from aws_cdk import aws_s3 as s3
from botocore.config import Config

from infra.drift import Drift
from infra.function import dead_letter_queue
from infra.settings import Settings
from infra.trigger import Starter
from rehearsal import lifecycle
from tests.functions.archive import zipped
from tests.rehearsal.conftest import eventually

REPOSITORY = Path(__file__).resolve().parents[3]
ENDPOINT = "shardwise-tests"
SERVING = f"{ENDPOINT}-serving"
STACK = f"{ENDPOINT}-operations"
PARAMETER = "ModelPackageArn"
RECORDS, CAPTURED, ASSETS, DROPS = "records", "captured", "assets", "drops"
PREFIX = f"captured/{ENDPOINT}/AllTraffic/"
TRAINED = {"cat": 500, "dog": 300, "cow": 200}
THRESHOLD, MINIMUM, HOURS = 0.2, 100, 2
ROLE = "arn:aws:iam::000000000000:role/tests"
PIPELINE = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "DropId", "Type": "String"}],
    "Steps": [{"Name": "End", "Type": "Fail", "Arguments": {"ErrorMessage": "It was started."}}],
}
# The least that has the parameter which says what is served.
SERVING_TEMPLATE = {
    "Parameters": {PARAMETER: {"Type": "String", "Default": ""}},
    "Resources": {
        "Served": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": {"Fn::Sub": f"serves ${{{PARAMETER}}}"}},
        }
    },
}
# What the commands ask the data stack for.
DATA_TEMPLATE = {
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"ArtifactsBucketName": {"Value": RECORDS}},
}


@dataclass
class Deployed:
    """The stack and everything around it, in one rehearsal."""

    variables: dict[str, str]
    functions: dict[str, str]
    alarm: str
    rule: str
    table: str
    group: str = "shardwise-tests-0a1b2c3d"
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = client(self.variables, service)
        return self._clients[service]

    def registers(self, counts: dict[str, int]) -> str:
        """ARN of a new model package that was trained on so many images of each class."""
        key = f"lineage/{time.monotonic_ns()}/dataset.json"
        channels = {label: {"train": n, "validation": 1, "test": 1} for label, n in counts.items()}
        dataset = json.dumps({"schema": 2, "counts": channels})
        self.client("s3").put_object(Bucket=RECORDS, Key=key, Body=dataset)
        statistics = {"ContentType": "application/json", "S3Uri": f"s3://{RECORDS}/{key}"}
        baselines = {"ModelDataQuality": {"Statistics": statistics}}
        return self._package(DriftCheckBaselines=baselines) if counts else self._package()

    def _package(self, **more: Any) -> str:
        arn: str = self.client("sagemaker").create_model_package(
            ModelPackageGroupName=self.group,
            InferenceSpecification={
                "Containers": [{"Image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/i:1"}],
                "SupportedContentTypes": ["image/png"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            **more,
        )["ModelPackageArn"]
        return arn

    def serves(self, package: str) -> None:
        """The serving stack is updated to the package; "" for none."""
        cloudformation = self.client("cloudformation")
        (stack,) = cloudformation.describe_stacks(StackName=SERVING)["Stacks"]
        if stack["Parameters"][0]["ParameterValue"] == package:
            return
        cloudformation.update_stack(
            StackName=SERVING,
            UsePreviousTemplate=True,
            Parameters=[{"ParameterKey": PARAMETER, "ParameterValue": package}],
        )
        cloudformation.get_waiter("stack_update_complete").wait(
            StackName=SERVING, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )

    def answers(self, package: str, counts: dict[str, int], hours_ago: int = 0) -> None:
        """A file of captured answers, a line each, as SageMaker would have written it."""
        lines = [captured(package, label) for label, n in counts.items() for _ in range(n)]
        self.captures("\n".join(lines).encode() + b"\n", hours_ago)

    def captures(self, content: bytes, hours_ago: int = 0) -> None:
        hour = datetime.now(UTC) - timedelta(hours=hours_ago)
        key = f"{PREFIX}{hour:%Y/%m/%d/%H}/{hour:%M-%S}-000-{time.monotonic_ns():020d}.jsonl"
        self.client("s3").put_object(Bucket=CAPTURED, Key=key, Body=content)

    def compares(self) -> dict[str, Any] | None:
        """Runs the comparison as its schedule would, and gives what it says."""
        answer = self.client("lambda").invoke(FunctionName=self.functions["compare"], Payload=b"{}")
        content = answer["Payload"].read()
        assert "FunctionError" not in answer, content
        found: dict[str, Any] | None = json.loads(content or b"null")
        return found

    def is_alarmed(self) -> str | None:
        """Runs the function that asks for a run with AWS's event of the alarm."""
        event = alarm_event(self.alarm, "ALARM")
        answer = self.client("lambda").invoke(
            FunctionName=self.functions["retrain"], Payload=json.dumps(event)
        )
        content = answer["Payload"].read()
        assert "FunctionError" not in answer, content
        found: str | None = json.loads(content or b"null")
        return found

    def runs(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs ./scripts/drift in a pipe."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return subprocess.run(
            [sys.executable, "-m", "scripts.commands", "drift", "--environment", "tests", *words],
            cwd=REPOSITORY,
            env=kept | self.variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def comes_to(self, state: str) -> None:
        """Waits for a state of the alarm."""
        eventually(lambda: self.alarm_state() == state, self.alarm_state, seconds=120)

    def alarm_state(self) -> str:
        found = self.client("cloudwatch").describe_alarms(AlarmNames=[self.alarm])
        state: str = found["MetricAlarms"][0]["StateValue"]
        return state

    def executions(self, package: str) -> list[str]:
        """ARNs of the executions whose parameter says that drift of the package started them."""
        sagemaker = self.client("sagemaker")
        listed = sagemaker.list_pipeline_executions(PipelineName=ENDPOINT)
        arns = [one["PipelineExecutionArn"] for one in listed["PipelineExecutionSummaries"]]
        started_by = f"drift/{self.group}/{package.rsplit('/', 1)[1]}"
        return [arn for arn in arns if self._started_by(arn) == started_by]

    def state(self, package: str) -> str | None:
        """What is on record of the run that drift of the package has asked for."""
        drop_id = f"drift/{self.group}/{package.rsplit('/', 1)[1]}"
        found = self.client("dynamodb").get_item(
            TableName=self.table, Key={"Kind": {"S": "drop"}, "Id": {"S": drop_id}}
        )
        state: str | None = found.get("Item", {}).get("State", {}).get("S")
        return state

    def _started_by(self, execution: str) -> str:
        (parameter,) = self.client("sagemaker").list_pipeline_parameters_for_execution(
            PipelineExecutionArn=execution
        )["PipelineParameters"]
        assert parameter["Name"] == "DropId"
        value: str = parameter["Value"]
        return value


def captured(package: str, label: str) -> str:
    answer = {"label": label, "probability": 0.9, "model_package_arn": package, "request_id": "r"}
    output = {
        "observedContentType": "application/json",
        "mode": "OUTPUT",
        "data": json.dumps(answer),
        "encoding": "JSON",
    }
    event = {"eventId": "1", "inferenceTime": "2026-11-25T01:02:03Z"}
    return json.dumps(
        {"captureData": {"endpointOutput": output}, "eventMetadata": event, "eventVersion": "0"}
    )


def alarm_event(alarm: str, state: str) -> dict[str, Any]:
    """The event of one metric's alarm, as AWS documents it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
    """
    time = "2026-11-25T01:02:03.000+0000"
    return {
        "version": "0",
        "id": "c4c1c1c9-6542-e61b-6ef0-8c4d36933a92",
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": "123456789012",
        "time": "2026-11-25T01:02:03Z",
        "region": "us-east-1",
        "resources": [f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{alarm}"],
        "detail": {
            "alarmName": alarm,
            "configuration": {"description": "drift", "metrics": []},
            "previousState": {"reason": "", "timestamp": time, "value": "OK"},
            "state": {"reason": "", "reasonData": "{}", "timestamp": time, "value": state},
        },
    }


def client(variables: dict[str, str], service: str) -> Any:
    return boto3.client(
        service,
        region_name=variables["AWS_REGION"],
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(read_timeout=300, retries={"max_attempts": 0}),
    )


@pytest.fixture
def served(deployed: Deployed) -> str:
    """A package that no other test has, and that is served."""
    package = deployed.registers(TRAINED)
    deployed.serves(package)
    return package


@pytest.fixture(scope="package")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("drift")
    variables = lifecycle.start(folder / "state", cache=folder / "cache")
    try:
        for bucket in (RECORDS, CAPTURED, ASSETS, DROPS):
            client(variables, "s3").create_bucket(Bucket=bucket)
        _around(variables)
        yield _deploy(variables, _synthesise(folder / "cdk.out"))
    finally:
        lifecycle.stop(folder / "state")


def _around(variables: dict[str, str]) -> None:
    sagemaker = client(variables, "sagemaker")
    sagemaker.create_pipeline(
        PipelineName=ENDPOINT, PipelineDefinition=json.dumps(PIPELINE), RoleArn=ROLE
    )
    sagemaker.create_model_package_group(ModelPackageGroupName=Deployed.group)
    _create(variables, SERVING, json.dumps(SERVING_TEMPLATE))
    _create(variables, f"{ENDPOINT}-data", json.dumps(DATA_TEMPLATE))


def _synthesise(folder: Path) -> Path:
    app = cdk.App(outdir=str(folder))
    stack = cdk.Stack(
        app,
        STACK,
        synthesizer=cdk.DefaultStackSynthesizer(
            file_assets_bucket_name=ASSETS, generate_bootstrap_version_rule=False
        ),
    )
    drift = {"every_hours": HOURS, "threshold": THRESHOLD, "minimum_predictions": MINIMUM}
    settings = Settings(
        environment="tests", endpoint={"capture_percent": 100}, drift={**drift, "retrain": True}
    )
    made = Drift(
        stack,
        "Drift",
        settings=settings,
        serving_stack=SERVING,
        captured=s3.Bucket.from_bucket_name(stack, "Captured", CAPTURED),
        records=s3.Bucket.from_bucket_name(stack, "Records", RECORDS),
    )
    starter = Starter(
        stack,
        "Starter",
        settings=settings,
        drops=s3.Bucket.from_bucket_name(stack, "DropsBucket", DROPS),
        artifacts=s3.Bucket.from_bucket_name(stack, "Artifacts", RECORDS),
        dead_letters=dead_letter_queue(stack, "DeadLetters", settings),
    )
    assert made.retraining is not None
    for name, value in (
        ("ComparisonFunctionName", made.comparison.function_name),
        ("Retrain", made.retraining.function_name),
        ("Alarm", made.alarm.alarm_name),
        ("Rule", made.alarm_rule.rule_name),
        ("Table", starter.table.table_name),
    ):
        cdk.CfnOutput(stack, name, value=value)
    app.synth()
    return folder


def _deploy(variables: dict[str, str], synthesised: Path) -> Deployed:
    assets = json.loads((synthesised / f"{STACK}.assets.json").read_text())["files"].values()
    for asset in assets:
        if asset["source"]["packaging"] == "zip":
            (place,) = asset["destinations"].values()
            content = zipped(synthesised / asset["source"]["path"])
            key = place["objectKey"]
            client(variables, "s3").put_object(Bucket=ASSETS, Key=key, Body=content)
    template = (synthesised / f"{STACK}.template.json").read_text()
    outputs = _create(variables, STACK, template)
    trigger = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"DropsTableName": {"Value": outputs["Table"]}},
    }
    _create(variables, f"{ENDPOINT}-trigger", json.dumps(trigger))
    functions = {"compare": outputs["ComparisonFunctionName"], "retrain": outputs["Retrain"]}
    return Deployed(variables, functions, outputs["Alarm"], outputs["Rule"], outputs["Table"])


def _create(variables: dict[str, str], name: str, template: str) -> dict[str, str]:
    cloudformation = client(variables, "cloudformation")
    cloudformation.create_stack(
        StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_IAM"]
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
