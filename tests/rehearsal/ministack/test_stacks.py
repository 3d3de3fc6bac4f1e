"""Stacks and their buckets where MiniStack alone is kinder than CloudFormation."""

from __future__ import annotations

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from rehearsal.modes import Modes
from tests.rehearsal.conftest import ROLE, Server, eventually

BUCKET = {"Type": "AWS::S3::Bucket"}
# SageMaker refuses a definition that is none.
IMPOSSIBLE = {
    "Type": "AWS::SageMaker::Pipeline",
    "Properties": {
        "PipelineName": "impossible",
        "PipelineDefinition": {"PipelineDefinitionBody": "{}"},
        "RoleArn": ROLE,
    },
}


@pytest.fixture
def name():
    return f"stack-{uuid.uuid4().hex[:12]}"


def create(client, name, resources, **more):
    client.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}), **more)
    return settled(client, name)


def settled(client, name):
    def ended():
        status = client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        return None if status.endswith("IN_PROGRESS") else status

    return eventually(ended)


def delete(client, stack_id):
    client.delete_stack(StackName=stack_id)
    return settled(client, stack_id)


def refusal(call, **request):
    with pytest.raises(ClientError) as raised:
        call(**request)
    return raised.value.response["Error"]["Message"]


def bucket_of(client, stack, logical_id="Bucket"):
    found = client.describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
    return found["StackResourceDetail"]["PhysicalResourceId"]


def names(s3):
    return {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}


def test_a_bucket_that_holds_objects_keeps_its_stack_until_it_is_emptied(server, name):
    client, s3 = server.client("cloudformation"), server.client("s3")
    create(client, name, {"Bucket": BUCKET})
    stack = client.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    bucket = bucket_of(client, name)
    s3.put_object(Bucket=bucket, Key="a/b", Body=b"x")

    assert delete(client, stack) == "DELETE_FAILED"
    events = client.describe_stack_events(StackName=stack)["StackEvents"]
    assert any("BucketNotEmpty" in event.get("ResourceStatusReason", "") for event in events)
    assert bucket in names(s3)

    s3.delete_object(Bucket=bucket, Key="a/b")
    assert delete(client, stack) == "DELETE_COMPLETE"
    assert bucket not in names(s3)


def test_a_bucket_that_was_deleted_is_not_there_again_after_a_restart(own_server):
    client, s3 = own_server.client("cloudformation"), own_server.client("s3")
    create(client, "gone", {"Bucket": BUCKET})
    stack = client.describe_stacks(StackName="gone")["Stacks"][0]["StackId"]
    bucket = bucket_of(client, "gone")
    s3.put_object(Bucket=bucket, Key="a/b/c", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="a/b/c")
    assert delete(client, stack) == "DELETE_COMPLETE"

    own_server.end()
    own_server.start()
    assert bucket not in names(own_server.client("s3"))


def test_a_protected_stack_is_not_deleted(server, name):
    client = server.client("cloudformation")
    create(client, name, {"Bucket": BUCKET}, EnableTerminationProtection=True)
    message = refusal(client.delete_stack, StackName=name)
    assert "cannot be deleted while TerminationProtection is enabled" in message

    client.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    stack = client.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    assert delete(client, stack) == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("policy", "stays"), [("Retain", True), ("RetainExceptOnCreate", False), ("Delete", False)]
)
def test_what_a_creation_made_is_kept_by_retain_alone_when_it_is_rolled_back(
    server, name, policy, stays
):
    client, s3 = server.client("cloudformation"), server.client("s3")
    resources = {
        "Bucket": BUCKET | {"DeletionPolicy": policy, "Properties": {"BucketName": name}},
        "Impossible": IMPOSSIBLE | {"DependsOn": "Bucket"},
    }
    assert create(client, name, resources) == "ROLLBACK_COMPLETE"
    assert (name in names(s3)) == stays


@pytest.mark.parametrize(
    ("policy", "end"),
    [("Retain", "ROLLBACK_COMPLETE"), ("RetainExceptOnCreate", "ROLLBACK_FAILED")],
)
def test_a_table_under_deletion_protection_is_not_deleted(server, name, policy, end):
    client, dynamodb = server.client("cloudformation"), server.client("dynamodb")
    table = {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": policy,
        "Properties": {
            "TableName": name,
            "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
            "DeletionProtectionEnabled": True,
        },
    }
    resources = {"Table": table, "Impossible": IMPOSSIBLE | {"DependsOn": "Table"}}
    assert create(client, name, resources) == end
    assert name in dynamodb.list_tables()["TableNames"]


def test_a_stack_under_an_operation_takes_no_other(server, name):
    client = server.client("cloudformation")
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    wait = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": "Handle",
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "30"},
    }
    create(client, name, {"Bucket": BUCKET})
    client.create_change_set(
        StackName=name,
        ChangeSetName="later",
        TemplateBody=json.dumps({"Resources": {"Bucket": BUCKET, "Other": BUCKET}}),
    )
    eventually(
        lambda: (
            client.describe_change_set(StackName=name, ChangeSetName="later")["Status"]
            == "CREATE_COMPLETE"
        )
    )
    client.update_stack(
        StackName=name,
        TemplateBody=json.dumps({"Resources": {"Bucket": BUCKET, "Handle": handle, "Wait": wait}}),
    )
    message = refusal(client.execute_change_set, StackName=name, ChangeSetName="later")
    assert "UPDATE_IN_PROGRESS state and can not be updated" in message
    assert "while in status UPDATE_IN_PROGRESS" in refusal(client.delete_stack, StackName=name)
    client.cancel_update_stack(StackName=name)
    assert settled(client, name) == "UPDATE_ROLLBACK_COMPLETE"
    assert bucket_of(client, name) in names(server.client("s3"))


def test_executed_change_sets_are_described_by_the_stack_and_listed_no_more(server, name):
    client = server.client("cloudformation")
    create(client, name, {"Bucket": BUCKET})
    for change_set in ("made", "waits"):
        client.create_change_set(
            StackName=name,
            ChangeSetName=change_set,
            TemplateBody=json.dumps({"Resources": {"Bucket": BUCKET, change_set: BUCKET}}),
        )

    def complete(change_set):
        found = client.describe_change_set(StackName=name, ChangeSetName=change_set)
        return found["Status"] == "CREATE_COMPLETE"

    eventually(lambda: complete("made") and complete("waits"))
    client.execute_change_set(StackName=name, ChangeSetName="made")
    assert settled(client, name) == "UPDATE_COMPLETE"

    listed = client.list_change_sets(StackName=name)["Summaries"]
    assert "made" not in {summary["ChangeSetName"] for summary in listed}
    described = client.describe_stacks(StackName=name)["Stacks"][0]
    assert described["ChangeSetId"].split("/")[1] == "made"


def test_access_logs_arrive_later_while_the_targets_policy_lets_them(tmp_path):
    server = Server(tmp_path / "state", modes=Modes(access_logs=0.2)).start()
    try:
        client, s3 = server.client("cloudformation"), server.client("s3")
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": {"Fn::Sub": "${Logs.Arn}/*"},
        }
        logging = {"DestinationBucketName": {"Ref": "Logs"}, "LogFilePrefix": "here/"}
        resources = {
            "Logs": BUCKET,
            "Bucket": BUCKET | {"Properties": {"LoggingConfiguration": logging}},
            "Policy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {
                    "Bucket": {"Ref": "Logs"},
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
                },
            },
        }
        assert create(client, "logged", resources) == "CREATE_COMPLETE"
        bucket, logs = bucket_of(client, "logged"), bucket_of(client, "logged", "Logs")
        s3.put_object(Bucket=bucket, Key="a", Body=b"x")

        def written():
            return s3.list_objects_v2(Bucket=logs, Prefix="here/").get("Contents")

        (found, *_) = eventually(written)
        lines = s3.get_object(Bucket=logs, Key=found["Key"])["Body"].read().decode()
        assert f"{bucket} REST.PUT /{bucket}/a 200" in lines

        s3.put_object(Bucket=bucket, Key="late", Body=b"x")
        before = len(written())
        s3.delete_bucket_policy(Bucket=logs)
        assert len(written()) == before + 1
        before = len(written())
        s3.put_object(Bucket=bucket, Key="b", Body=b"x")
        # One that is let write again comes after it: what was not let is lost by then.
        s3.get_object(Bucket=bucket, Key="b")
        assert len(written()) == before
    finally:
        server.end()
