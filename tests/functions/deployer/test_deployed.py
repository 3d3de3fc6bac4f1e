"""The deployer on a real table, stack and registry: those of a rehearsal's server."""

import functools
import json
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError

from functions.deployer import handler as deployer
from functions.deployer.approvals import Approvals, Attempt, DeployerError
from rehearsal import lifecycle
from scripts.commands import approve
from tests.functions.archive import zipped
from tests.rehearsal.conftest import eventually

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/tests:1"
START = datetime(2026, 11, 25, tzinfo=UTC)
ENDED = {"detail-type": "CloudFormation Stack Status Change", "time": "", "detail": {}}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that lets a role do what its policies say, and nothing else."""
    state = tmp_path_factory.mktemp("server")
    try:
        led = lifecycle.start(state, cache=state / "cache", enforce_iam=True)
        yield Server(led["AWS_ENDPOINT_URL"])
    finally:
        lifecycle.stop(state)


class Server:
    def __init__(self, url):
        self.url = url
        self._session = boto3.Session("test", "test", region_name="us-east-1")

    @functools.cache  # noqa: B019 - there is one server
    def client(self, service):
        return self._session.client(service, endpoint_url=self.url)

    def table(self, name):
        return self._session.resource("dynamodb", endpoint_url=self.url).Table(name)


@pytest.fixture(scope="module")
def numbers():
    return iter(range(1, 1000))


@pytest.fixture
def name(numbers):
    """A name that no other test has."""
    return f"deployer{next(numbers)}"


@pytest.fixture
def packages(server, name):
    """ARNs of four versions of a group; the fourth one's updates are rolled back."""
    sagemaker = server.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    specification = {
        "Containers": [{"Image": IMAGE}],
        "SupportedContentTypes": ["image/png"],
        "SupportedResponseMIMETypes": ["application/json"],
    }
    return [
        sagemaker.create_model_package(
            ModelPackageGroupName=name, InferenceSpecification=specification
        )["ModelPackageArn"]
        for _ in range(4)
    ]


@pytest.fixture
def stack(server, name, packages, assembly):
    """A stack with the deployed table, and something that cannot be made for the bad package."""
    serving = assembly.template("dev", "serving")["Resources"].values()
    (table,) = [r["Properties"] for r in serving if r["Type"] == "AWS::DynamoDB::Table"]
    resources = {"Approvals": {"Type": "AWS::DynamoDB::Table", "Properties": table}}
    return Stack.create(server, name, resources, packages[3])


class Stack:
    @classmethod
    def create(cls, server, name, resources, bad):
        """A stack in which the endpoint is a topic, and that cannot be brought to a bad package."""
        template = {
            "Parameters": {"ModelPackageArn": {"Type": "String", "Default": ""}},
            "Conditions": {"IsBad": {"Fn::Equals": [{"Ref": "ModelPackageArn"}, bad]}},
            "Resources": {
                **resources,
                "Endpoint": {
                    "Type": "AWS::SNS::Topic",
                    "Properties": {"DisplayName": {"Ref": "ModelPackageArn"}},
                },
                "Broken": {
                    "Type": "AWS::CloudFormation::CustomResource",
                    "Condition": "IsBad",
                    "Properties": {
                        "ServiceToken": "arn:aws:lambda:us-east-1:000000000000:function:none"
                    },
                },
            },
            "Outputs": {"ModelPackageArn": {"Value": {"Ref": "ModelPackageArn"}}},
        }
        cloudformation = server.client("cloudformation")
        cloudformation.create_stack(
            StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
        )
        created = cls(cloudformation, name)
        assert created.wait() == "CREATE_COMPLETE"
        return created

    def __init__(self, client, name):
        self.client = client
        self.name = name

    def describe(self):
        return self.client.describe_stacks(StackName=self.name)["Stacks"][0]

    @property
    def serving(self):
        return self.describe()["Parameters"][0]["ParameterValue"]

    def wait(self):
        """The status in which it stays."""
        return eventually(
            lambda: (
                (status := self.describe()["StackStatus"])
                and not status.endswith("IN_PROGRESS")
                and status
            )
        )

    def statuses(self):
        """All that the stack ever had."""
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=self.name)
        return {
            event["ResourceStatus"]
            for page in pages
            for event in page["StackEvents"]
            if event["PhysicalResourceId"] == event["StackId"]
        }

    def waiting(self):
        """Names of the change sets that somebody could execute."""
        found = self.client.list_change_sets(StackName=self.name)["Summaries"]
        return [c["ChangeSetName"] for c in found if c["ExecutionStatus"] == "AVAILABLE"]


@pytest.fixture
def table(server, stack):
    found = stack.client.describe_stack_resource(
        StackName=stack.name, LogicalResourceId="Approvals"
    )
    return found["StackResourceDetail"]["PhysicalResourceId"]


@pytest.fixture
def hear(server, stack, table, monkeypatch):
    """The function as it is deployed, with its environment variables."""
    variables = {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "NO_PROXY": "127.0.0.1",
        "STACK_NAME": stack.name,
        "PARAMETER": "ModelPackageArn",
        "MODEL_PACKAGE_GROUP": stack.name,
        "TABLE_NAME": table,
        "ACTION": "update",
    }
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    return lambda event: deployer.handler(event, None)


@pytest.fixture
def decide(server):
    """Sets a package's status and gives the event that AWS sends of it."""

    def change(package, status, seconds):
        server.client("sagemaker").update_model_package(
            ModelPackageArn=package, ModelApprovalStatus=status
        )
        return {
            "detail-type": "SageMaker Model Package State Change",
            "time": (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "detail": {
                "ModelPackageArn": package,
                "ModelApprovalStatus": status,
                "UpdatedModelPackageFields": ["ModelApprovalStatus"],
            },
        }

    return change


def test_duplicate_late_and_reordered_events_at_once_end_with_the_newest_approval(
    hear, decide, stack, packages
):
    history = [
        decide(packages[0], "Approved", 1),
        decide(packages[1], "Approved", 2),
        decide(packages[2], "Approved", 3),
        decide(packages[1], "Rejected", 4),
        decide(packages[0], "Approved", 5),
        decide(packages[3], "Approved", 6),
        decide(packages[2], "Rejected", 7),
    ]
    events = history * 6
    random.Random(1).shuffle(events)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(hear, events))
    for _ in range(4):
        stack.wait()
        hear(ENDED)
    assert stack.wait() in {"UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
    assert stack.serving == packages[0]


def test_a_bad_package_is_rolled_back_once_and_the_one_before_serves_on(
    hear, decide, stack, packages
):
    for package in (packages[0], packages[3]):
        hear(decide(package, "Approved", packages.index(package)))
        stack.wait()
    assert stack.wait() == "UPDATE_ROLLBACK_COMPLETE"
    tried = stack.describe()["LastUpdatedTime"]
    hear(ENDED)
    assert stack.describe()["LastUpdatedTime"] == tried
    assert stack.serving == packages[0]

    hear(decide(packages[3], "Approved", 10))
    assert stack.wait() == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.describe()["LastUpdatedTime"] != tried


def test_where_a_person_decides_change_sets_follow_the_approvals(
    hear, decide, stack, packages, monkeypatch
):
    monkeypatch.setenv("ACTION", "propose")
    hear(decide(packages[0], "Approved", 1))
    assert stack.waiting() == [Attempt(1, START + timedelta(seconds=1)).name]
    hear(decide(packages[3], "Approved", 2))
    assert stack.waiting() == [Attempt(4, START + timedelta(seconds=2)).name]

    (waiting,) = stack.waiting()
    stack.client.execute_change_set(StackName=stack.name, ChangeSetName=waiting)
    assert stack.wait() == "UPDATE_ROLLBACK_COMPLETE"
    hear(ENDED)
    (waiting,) = stack.waiting()
    assert waiting.startswith("model-1-")

    stack.client.execute_change_set(StackName=stack.name, ChangeSetName=waiting)
    assert stack.wait() == "UPDATE_COMPLETE"
    hear(decide(packages[0], "Rejected", 3))
    assert stack.waiting() == []
    assert stack.serving == packages[0]


def test_what_cloudformation_refuses_is_an_error(hear, decide, stack, packages, monkeypatch):
    monkeypatch.setenv("STACK_NAME", "elsewhere")
    with pytest.raises(ClientError, match="elsewhere"):
        hear(decide(packages[0], "Approved", 1))


def test_an_approval_of_another_group_is_an_error(hear, decide, packages, monkeypatch):
    monkeypatch.setenv("MODEL_PACKAGE_GROUP", "another")
    with pytest.raises(DeployerError, match="no version of the model package group another"):
        hear(decide(packages[0], "Approved", 1))


def test_a_deleted_package_is_passed_over(hear, decide, server, stack, packages):
    hear(decide(packages[0], "Approved", 1))
    stack.wait()
    event = decide(packages[1], "Approved", 2)
    server.client("sagemaker").delete_model_package(ModelPackageName=packages[1])
    hear(event)
    stack.wait()
    assert stack.serving == packages[0]


def test_the_table_keeps_the_newest_of_each_time(server, name, table, packages):
    approvals = Approvals(server.table(table), name)
    for seconds in (2, 9, 1, 9):
        approvals.approve(packages[0], START + timedelta(seconds=seconds))
        approvals.fail(Attempt(1, START + timedelta(seconds=seconds)))
    approvals.adopt(packages[0])
    approvals.fail(Attempt(7, START))
    (kept,) = approvals.all()
    newest = START + timedelta(seconds=9)
    assert (kept.package, kept.version) == (packages[0], 1)
    assert (kept.approved, kept.failed) == (newest, newest)


@pytest.fixture
def deploy(server, name, packages, assembly, monkeypatch):
    """Deploys the deployer as the templates of an environment wire it: table, rules, role, function
    and queue; and leads ./scripts/approve there.
    """

    def run(environment):
        resources = {
            logical_id: in_group(resource, name)
            for logical_id, resource in assembly.template(environment, "serving")[
                "Resources"
            ].items()
            if logical_id.startswith(("ApprovedModelDeployment", "DeadLetters"))
        }
        (function,) = (r for r in resources.values() if r["Type"] == "AWS::Lambda::Function")
        key = function["Properties"]["Code"]["S3Key"]
        archive = zipped(assembly.folder / f"asset.{key.removesuffix('.zip')}")
        s3 = server.client("s3")
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key=key, Body=archive)
        function["Properties"]["Code"] = {"S3Bucket": name, "S3Key": key}
        lead_commands(environment)
        return Stack.create(server, f"shardwise-{environment}-serving", resources, packages[3])

    def lead_commands(environment):
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        template = {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {"ModelPackageGroupName": {"Value": name}},
        }
        training = Stack(server.client("cloudformation"), f"shardwise-{environment}-training")
        training.client.create_stack(StackName=training.name, TemplateBody=json.dumps(template))
        training.wait()

    return run


def in_group(value, group):
    """Part of a template, with a group's name where it imports that of the training stack."""
    match value:
        case {"Fn::Select": [1, {"Fn::Split": ["/", {"Fn::ImportValue": _}]}]}:
            return group
        case dict():
            return {key: in_group(item, group) for key, item in value.items()}
        case list():
            return [in_group(item, group) for item in value]
    return value


@pytest.fixture
def set_status(server, packages):
    return lambda number, status: server.client("sagemaker").update_model_package(
        ModelPackageArn=packages[number], ModelApprovalStatus=status
    )


def test_deployed_it_follows_approvals_and_rejections_by_itself(
    server, deploy, set_status, packages, capsys
):
    stack = deploy("dev")

    def comes_to(number):
        return eventually(
            lambda: (
                stack.serving == packages[number]
                and stack.describe()["StackStatus"].endswith("COMPLETE")
            ),
            stack.describe,
        )

    set_status(0, "Approved")
    comes_to(0)
    # Perhaps all in one second: then the higher version counts as the later.
    for number in (1, 2, 3):
        set_status(number, "Approved")
    # Among the events: as a status it passes as soon as the deployer hears of it.
    eventually(lambda: "UPDATE_ROLLBACK_COMPLETE" in stack.statuses(), stack.describe)
    comes_to(2)
    # Within the second of the approval that failed, it would be the same one.
    failed = server.client("sagemaker").describe_model_package(ModelPackageName=packages[3])
    later = failed["LastModifiedTime"] + timedelta(seconds=1)
    eventually(lambda: datetime.now(UTC) >= later)
    assert approve.main(["4", "--no-metrics"]) == 1
    said = capsys.readouterr()
    assert f"{packages[3]} was rolled back (Broken: " in said.err
    assert f"{packages[2]} serves on" in said.err
    set_status(2, "Rejected")
    comes_to(1)
    set_status(1, "Rejected")
    comes_to(0)


def test_deployed_where_a_person_decides_it_proposes_and_withdraws(
    deploy, set_status, packages, capsys
):
    stack = deploy("prod")
    for version in ("1", "2"):
        assert approve.main([version, "--no-metrics", "--environment", "prod"]) == 0
    (waiting,) = stack.waiting()
    assert waiting.startswith("model-2-")
    assert (
        f"A person decides whether {packages[1]} serves: aws cloudformation execute-change-set "
        f"--stack-name {stack.name} --change-set-name {waiting} --client-request-token {waiting}"
    ) in capsys.readouterr().out

    stack.client.execute_change_set(StackName=stack.name, ChangeSetName=waiting)
    assert stack.wait() == "UPDATE_COMPLETE"
    assert stack.serving == packages[1]
    assert approve.main(["2", "--no-metrics", "--environment", "prod", "--reject"]) == 0
    assert [name[:8] for name in stack.waiting()] == ["model-1-"]
    set_status(0, "Rejected")
    eventually(lambda: not stack.waiting())
    assert stack.serving == packages[1]
