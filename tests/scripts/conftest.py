"""A rehearsal's server for all of AWS, stacks and a pipeline in it, and folders of images."""

import io
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from PIL import Image
from rich.console import Console

from rehearsal import lifecycle

REPOSITORY = Path(__file__).resolve().parents[2]
JSII = Path.home() / ".cache" / "aws" / "jsii" / "package-cache"
DATA_TEMPLATE = {
    "Resources": {"Drops": {"Type": "AWS::S3::Bucket"}},
    "Outputs": {"DropsBucketName": {"Value": {"Ref": "Drops"}}},
}
KEYS = {"Kind": "HASH", "Id": "RANGE"}
TRIGGER_TEMPLATE = {
    "Resources": {
        "Drops": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "KeySchema": [{"AttributeName": n, "KeyType": kind} for n, kind in KEYS.items()],
                "AttributeDefinitions": [
                    {"AttributeName": name, "AttributeType": "S"} for name in KEYS
                ],
                "BillingMode": "PAY_PER_REQUEST",
            },
        }
    },
    "Outputs": {"DropsTableName": {"Value": {"Ref": "Drops"}}},
}
DEFINITION = {
    "Version": "2020-12-01",
    "Parameters": [
        {"Name": "DropId", "Type": "String", "DefaultValue": ""},
        {"Name": "MinimumPerClassAndChannel", "Type": "Integer", "DefaultValue": 1},
    ],
    "Steps": [
        {"Name": "RejectModel", "Type": "Fail", "Arguments": {"ErrorMessage": "Not good enough."}}
    ],
}
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def endpoint_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a rehearsal's server answers that lives as long as the session."""
    folder = tmp_path_factory.mktemp("rehearsal")
    state = folder / "state"
    try:
        yield lifecycle.start(state, cache=folder / "cache")["AWS_ENDPOINT_URL"]
    finally:
        lifecycle.stop(state)


@pytest.fixture
def session(endpoint_url: str, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return boto3.Session(region_name="us-east-1")


@pytest.fixture
def environment() -> str:
    """The name of an environment that no other test uses."""
    return f"test{next(_numbers)}"


@pytest.fixture
def bucket(session: boto3.Session, environment: str) -> str:
    """The drops bucket of a deployed data stack."""
    deploy(session, f"shardwise-{environment}-data", DATA_TEMPLATE)
    stacks = session.client("cloudformation").describe_stacks(
        StackName=f"shardwise-{environment}-data"
    )["Stacks"]
    return stacks[0]["Outputs"][0]["OutputValue"]


@pytest.fixture
def pipeline(session: boto3.Session, environment: str) -> str:
    """A deployed pipeline that needs one image a class and channel, and fails in its one step; the
    trigger has a table and no function.
    """
    name = f"shardwise-{environment}"
    session.client("sagemaker").create_pipeline(
        PipelineName=name,
        PipelineDefinition=json.dumps(DEFINITION),
        ClientRequestToken=name.ljust(32, "-"),
        RoleArn="arn:aws:iam::000000000000:role/pipeline",
    )
    outputs = {"PipelineName": name, "ModelPackageGroupName": name}
    deploy(session, f"shardwise-{environment}-training", with_outputs(**outputs))
    deploy(session, f"shardwise-{environment}-trigger", TRIGGER_TEMPLATE)
    return name


@pytest.fixture
def deploy_outputs(session: boto3.Session, environment: str) -> Callable[..., None]:
    """Deploys a stack that only has outputs: `deploy_outputs(unit, key=value, ...)`."""
    return lambda unit, **values: deploy(
        session, f"shardwise-{environment}-{unit}", with_outputs(**values)
    )


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def console(output: io.StringIO) -> Console:
    """A console that writes into `output`, as into a pipe."""
    return Console(file=output, markup=False, highlight=False, soft_wrap=True)


@pytest.fixture
def write_image() -> Callable[..., Path]:
    """Saves an image of one grey: `write_image(path, grey=0, kind="PNG", size=4)`."""
    return save_image


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of four different images each."""
    folder = tmp_path / "photos"
    for grey, (label, kind) in enumerate(itertools.product(("cat", "dog"), ("JPEG", "PNG") * 2)):
        save_image(folder / label / f"{grey}.{kind.lower()}", grey=grey * 30, kind=kind)
    return folder


def save_image(path: Path, grey: int = 0, kind: str = "PNG", size: int = 4) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (size, size), grey).save(path, kind)
    return path


def deploy(session: boto3.Session, name: str, template: dict[str, Any], **values: str) -> None:
    cloudformation = session.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in values.items()],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )


def with_outputs(**values: str) -> dict[str, Any]:
    """A template with these outputs."""
    return {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {key: {"Value": value} for key, value in values.items()},
    }


RunCommand = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run_command(tmp_path: Path) -> RunCommand:
    """Runs a command as a process of its own, in a pipe, with no AWS in its environment."""

    def run(
        command: str, *arguments: object, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        return subprocess.run(
            [sys.executable, "-P", "-m", "scripts.commands", command, *map(str, arguments)],
            env=inherited
            | {
                "PYTHONPATH": str(REPOSITORY),
                "HOME": str(tmp_path),
                # The CDK would unpack itself anew in each new home.
                "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(JSII),
                "AWS_EC2_METADATA_DISABLED": "true",
            }
            | variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run
