"""A first deployment that fails, and the next one after what docs/deploying.md says."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest

from rehearsal import lifecycle
from rehearsal.modes import Modes
from scripts.deployed import cdk
from tests.rehearsal.images.support import write_context

PLACE = "aws://000000000000/us-east-1"
IMAGES = "cdk-hnb659fds-container-assets-000000000000-us-east-1"
# Of each stack, as docs/deploying.md names it.
LEFT = {
    "dev/data": [],
    "prod/data": ["AWS::S3::Bucket AccessLogs"],
    "prod/images": [],
    "prod/serving": ["AWS::DynamoDB::Table ApprovedModelDeploymentApprovals"],
}


@dataclass(frozen=True)
class Account:
    """A rehearsal, and what is in it."""

    variables: dict[str, str]
    log: Path

    def cdk(self, *words: str) -> None:
        environment = {**os.environ, **self.variables}
        cdk.finish(cdk.start(list(words), environment, self.log), self.log)

    def deploy(self, assembly: Path, *stacks: str) -> None:
        options = ("--exclusively", "--require-approval", "never", "--concurrency", "4")
        self.cdk("deploy", *stacks, "--app", str(assembly), *options)

    def client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self.variables["AWS_ENDPOINT_URL"])

    @cached_property
    def _session(self) -> boto3.session.Session:
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")
        key, secret, region = (self.variables[name] for name in names)
        return boto3.session.Session(key, secret, region_name=region)

    def status(self, stack: str) -> str:
        stacks = self.client("cloudformation").describe_stacks(StackName=_name(stack))
        status: str = stacks["Stacks"][0]["StackStatus"]
        return status

    def unprotect(self, stack: str) -> None:
        self.client("cloudformation").update_termination_protection(
            StackName=_name(stack), EnableTerminationProtection=False
        )

    def delete_images(self) -> None:
        """In ECR and, as Docker's user, on this machine."""
        ecr = self.client("ecr")
        images = ecr.list_images(repositoryName=IMAGES)["imageIds"]
        ecr.batch_delete_image(repositoryName=IMAGES, imageIds=images)
        docker, environment = self.variables["CDK_DOCKER"], {**os.environ, **self.variables}
        listed = subprocess.run(
            [
                *(docker, "images", "--format", "{{.Repository}}:{{.Tag}}"),
                *("--filter", "reference=cdkasset-shardwise-*"),
            ],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        local = listed.stdout.split()
        assert len(images) == len(local) == 3
        subprocess.run([docker, "rmi", *local], env=environment, check=True)

    def things(self) -> set[str]:
        """All that outlives a stack under `Retain`, by type and physical id."""
        kms, logs = self.client("kms"), self.client("logs")
        keys = [key["KeyId"] for key in kms.list_keys()["Keys"]]
        found = {
            "AWS::S3::Bucket": [b["Name"] for b in self.client("s3").list_buckets()["Buckets"]],
            "AWS::DynamoDB::Table": self.client("dynamodb").list_tables()["TableNames"],
            "AWS::Logs::LogGroup": [
                group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]
            ],
            "AWS::SQS::Queue": self.client("sqs").list_queues().get("QueueUrls", []),
            # A key that waits for its deletion costs nothing and uses up no name.
            "AWS::KMS::Key": [
                key
                for key in keys
                if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
            ],
        }
        return {f"{kind} {name}" for kind, names in found.items() for name in names}

    def made(self, stack: str) -> dict[str, str]:
        """Type and physical id of what a stack made, by type and logical id."""
        events = self.client("cloudformation").describe_stack_events(StackName=_name(stack))[
            "StackEvents"
        ]
        return {
            f"{event['ResourceType']} {event['LogicalResourceId']}": (
                f"{event['ResourceType']} {event['PhysicalResourceId']}"
            )
            for event in events
            if event["ResourceStatus"] == "CREATE_COMPLETE"
        }


def _name(stack: str) -> str:
    return f"shardwise-{stack.replace('/', '-')}"


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """Bootstrapped; its images are built as by Docker's containerd store."""
    folder = tmp_path_factory.mktemp("account")
    variables = lifecycle.start(folder / "aws", modes=Modes(oci_images=True))
    try:
        made = Account(variables, folder / "cdk.log")
        made.cdk(*cdk.bootstrap_arguments(PLACE))
        yield made
    finally:
        lifecycle.stop(folder / "aws")


@pytest.fixture(scope="module")
def whole(assembly, tmp_path_factory):
    """All environments, but for what is in the images: those take minutes on a new machine."""
    folder, contexts = tmp_path_factory.mktemp("whole") / "cdk.out", tmp_path_factory.mktemp("of")
    shutil.copytree(assembly.folder, folder)
    with _assets(folder, "images") as assets:
        for image in assets["dockerImages"].values():
            name = image["displayName"]
            image["source"] = {
                "directory": str(write_context(contexts / name, f"print({name!r})")),
                "dockerOutputs": image["source"]["dockerOutputs"],
            }
    return folder


@pytest.fixture(scope="module")
def broken(whole, tmp_path_factory):
    """The same, of which some stacks fail when all else in them is made."""
    folder = tmp_path_factory.mktemp("broken") / "cdk.out"
    shutil.copytree(whole, folder)
    for stage, unit in (("dev", "data"), ("prod", "data"), ("prod", "serving")):
        (file,) = (folder / f"assembly-{stage}").glob(f"{stage}{unit}*.template.json")
        _break(file)
    with _assets(folder, "images") as assets:
        for image in assets["dockerImages"].values():
            del image["source"]["dockerOutputs"]
    return folder


@contextmanager
def _assets(folder: Path, unit: str) -> Iterator[dict[str, Any]]:
    """To be changed."""
    (file,) = (folder / "assembly-prod").glob(f"prod{unit}*.assets.json")
    assets = json.loads(file.read_text())
    yield assets
    file.write_text(json.dumps(assets))


def _break(file: Path) -> None:
    """By a pipeline without a definition, which SageMaker refuses, after all the rest."""
    template = json.loads(file.read_text())
    made = [name for name, one in template["Resources"].items() if "Condition" not in one]
    template["Resources"]["Impossible"] = {
        "Type": "AWS::SageMaker::Pipeline",
        "DependsOn": made,
        "Properties": {
            "PipelineName": "impossible",
            "PipelineDefinition": {"PipelineDefinitionBody": "{}"},
            "RoleArn": "arn:aws:iam::000000000000:role/impossible",
        },
    }
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    file.write_text(json.dumps(template))
    # Under its old name it would be found in the bucket of assets by the next deployment.
    after = hashlib.sha256(file.read_bytes()).hexdigest()
    for other in (file.parent / "manifest.json", file.with_suffix("").with_suffix(".assets.json")):
        text = other.read_text()
        assert before in text
        other.write_text(text.replace(before, after))


def fail(account, broken, stack):
    """Deploys what fails; returns what it says, and sees that only what LEFT has is left."""
    before = account.things()
    with pytest.raises(cdk.CdkError) as failed:
        account.deploy(broken, stack)
    assert account.status(stack) == "ROLLBACK_COMPLETE"
    left = account.things() - before
    by_id = {value: key[: -len("12345678")] for key, value in account.made(stack).items()}
    assert len(by_id) > len(LEFT[stack])
    assert [by_id.get(thing, thing) for thing in left] == LEFT[stack]
    return str(failed.value)


def test_images_that_sagemaker_would_refuse_fail_their_stack_and_are_replaced(
    account, broken, whole
):
    said = " ".join(fail(account, broken, "prod/images").split())
    assert "SageMaker does not take the manifests of" in said
    assert said.count("(application/vnd.oci.image.manifest.v1+json)") >= 3
    assert "Delete these images in ECR and the local ones (cdkasset-...), as none that" in said

    account.unprotect("prod/images")
    account.delete_images()
    account.deploy(whole, "prod/images")
    assert account.status("prod/images") == "CREATE_COMPLETE"


def test_what_a_failed_first_deployment_leaves_is_not_in_the_way_of_the_next(
    account, broken, whole
):
    fail(account, broken, "prod/data")
    # Repeated as it is, it is refused.
    with pytest.raises(cdk.CdkError, match="TerminationProtection is enabled"):
        account.deploy(whole, "prod/data")
    account.unprotect("prod/data")
    account.deploy(whole, "prod/data", "prod/training")

    fail(account, broken, "prod/serving")
    account.unprotect("prod/serving")
    account.deploy(whole, "prod/serving")
    for stack in ("prod/data", "prod/training", "prod/serving"):
        assert account.status(stack) == "CREATE_COMPLETE"


def test_nothing_is_left_of_an_environment_that_keeps_nothing(account, broken, whole):
    fail(account, broken, "dev/data")
    account.deploy(whole, "dev/data")
    assert account.status("dev/data") == "CREATE_COMPLETE"
