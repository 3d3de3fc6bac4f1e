"""An approval in one environment's group reaches another's stack, on a rehearsal's server.

The rehearsal has one account, and it enforces IAM: the deployer runs under its own role. The group
is as dev's template makes it, the serving stack is prod's, so that a change set waits at the end.
"""

import functools
import json

import boto3
import pytest
from botocore.config import Config

from rehearsal import lifecycle
from tests.functions.archive import zipped
from tests.infra.promotion.conftest import BUCKET, REGION, SOURCE
from tests.rehearsal.conftest import eventually

ACCOUNT = "000000000000"
ASSETS = "assets"
STACK = "shardwise-prod-serving"


class World:
    """The server, dev's group in it, and prod's serving stack."""

    def __init__(self, variables):
        self.variables = variables

    @functools.cache  # noqa: B019 - there is one world
    def client(self, service):
        return boto3.session.Session().client(
            service,
            region_name=REGION,
            endpoint_url=self.variables["AWS_ENDPOINT_URL"],
            aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"max_attempts": 0}, proxies={}),
        )

    def deploy(self, name, template):
        client = self.client("cloudformation")
        client.create_stack(
            StackName=name,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_IAM"],
        )
        wait = {"Delay": 1, "MaxAttempts": 120}
        client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=wait)

    def group(self, template):
        """Makes the group of a training stack's template, as it stands there."""
        group = template["Resources"]["ModelPackageGroup"]
        made = {
            "Resources": {"ModelPackageGroup": group},
            "Outputs": {"Arn": {"Value": {"Ref": "ModelPackageGroup"}}},
        }
        self.deploy("shardwise-dev-training", made)
        (stack,) = self.client("cloudformation").describe_stacks(
            StackName="shardwise-dev-training"
        )["Stacks"]
        return stack["Outputs"][0]["OutputValue"]

    def approve(self, group):
        """Registers a package in a group and approves it."""
        sagemaker = self.client("sagemaker")
        image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/tests:1"
        package = sagemaker.create_model_package(
            ModelPackageGroupName=group,
            InferenceSpecification={
                "Containers": [{"Image": image}],
                "SupportedContentTypes": ["image/jpeg"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
        )["ModelPackageArn"]
        sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
        return package

    def proposed(self):
        """The packages of the change sets that wait for a person."""
        client = self.client("cloudformation")
        packages = []
        for summary in client.list_change_sets(StackName=STACK)["Summaries"]:
            try:
                found = client.describe_change_set(
                    StackName=STACK, ChangeSetName=summary["ChangeSetName"]
                )
            except client.exceptions.ChangeSetNotFoundException:
                continue  # The deployer withdrew it since the list: a later approval's comes.
            packages += [
                parameter["ParameterValue"]
                for parameter in found.get("Parameters", [])
                if parameter["ParameterKey"] == "ModelPackageArn"
            ]
        return packages

    def dead_letters(self):
        client = self.client("sqs")
        (url,) = [u for u in client.list_queues()["QueueUrls"] if "DeadLetters" in u]
        return client.receive_message(QueueUrl=url).get("Messages", [])


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rehearsal")
    try:
        yield World(lifecycle.start(folder / "state", cache=folder / "cache"))
    finally:
        lifecycle.stop(folder / "state")


@pytest.fixture(scope="module")
def group(world, source):
    return world.group(source["training"])


@pytest.fixture(scope="module")
def serving(world, group, target_of):
    """Prod's serving stack, deployed; gives its template's deployer."""
    assembly = target_of(ACCOUNT, **{"promotion.source_model_package_group": group})
    template = assembly.template("prod", "serving")
    made = _with_imports({key: template[key] for key in template if key != "Rules"})
    client = world.client("s3")
    for bucket in (ASSETS, BUCKET):
        client.create_bucket(Bucket=bucket)
    for resource in made["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            key = resource["Properties"]["Code"]["S3Key"]
            archive = zipped(assembly.folder / f"asset.{key.removesuffix('.zip')}")
            client.put_object(Bucket=ASSETS, Key=key, Body=archive)
            resource["Properties"]["Code"] = {"S3Bucket": ASSETS, "S3Key": key}
    world.deploy(STACK, made)
    return made


def _with_imports(value):
    """A template with plausible things where it imports them."""
    match value:
        case {"Fn::ImportValue": str(name)}:
            key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00001111-2222-3333-4444-555566667777"
            return key if "Key" in name else "arn:aws:s3:::inference" if "Arn" in name else "name"
        case dict():
            return {key: _with_imports(inner) for key, inner in value.items()}
        case list():
            return [_with_imports(inner) for inner in value]
    return value


def test_the_group_keeps_the_policy_that_its_template_gives_it(world, group):
    name = group.rpartition("/")[2]
    kept = world.client("sagemaker").get_model_package_group_policy(ModelPackageGroupName=name)
    principals = [
        one["Principal"]["AWS"] for one in json.loads(kept["ResourcePolicy"])["Statement"]
    ]
    assert principals
    assert all(SOURCE not in str(principal) for principal in principals)


def test_an_approval_in_the_source_is_proposed_in_the_target(world, group, serving):
    package = world.approve(group.rpartition("/")[2])
    eventually(lambda: package in world.proposed(), world.proposed)


def test_an_approval_in_another_group_is_nobodys_business(world, group, serving):
    world.client("sagemaker").create_model_package_group(ModelPackageGroupName="shardwise-prod-own")
    other = world.approve("shardwise-prod-own")
    later = world.approve(group.rpartition("/")[2])
    eventually(lambda: later in world.proposed(), world.proposed)
    assert other not in world.proposed()
    assert world.dead_letters() == []


def test_without_the_permission_to_read_the_sources_packages_nothing_is_proposed(
    world, group, serving
):
    iam = world.client("iam")
    (role,) = [
        name
        for name, resource in serving["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role" and "Deployer" in name
    ]
    resources = world.client("cloudformation").describe_stack_resources(StackName=STACK)
    (physical,) = [
        one["PhysicalResourceId"]
        for one in resources["StackResources"]
        if one["LogicalResourceId"] == role
    ]
    (policy,) = iam.list_role_policies(RoleName=physical)["PolicyNames"]
    document = iam.get_role_policy(RoleName=physical, PolicyName=policy)["PolicyDocument"]
    document["Statement"] = [
        one
        for one in document["Statement"]
        if "sagemaker:DescribeModelPackage" not in one["Action"]
    ]
    iam.put_role_policy(RoleName=physical, PolicyName=policy, PolicyDocument=json.dumps(document))
    package = world.approve(group.rpartition("/")[2])
    eventually(world.dead_letters, world.proposed)
    assert package not in world.proposed()


def test_the_statement_for_a_source_elsewhere_is_put_on_the_bus(world, serving):
    # There is one account here: the condition that leaves it out is taken away.
    policies = {
        name: {key: value for key, value in resource.items() if key != "Condition"}
        for name, resource in serving["Resources"].items()
        if resource["Type"] == "AWS::Events::EventBusPolicy"
    }
    world.deploy("bus", {"Resources": policies})
    policy = json.loads(world.client("events").describe_event_bus()["Policy"])
    (statement,) = [one for one in policy["Statement"] if one["Sid"] == "shardwise-prod"]
    assert statement["Condition"]["StringEquals"]["events:source"] == "aws.sagemaker"
