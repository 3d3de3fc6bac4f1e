"""What is particular to this project; what holds for any is in infra/rules and its tests."""

import pytest

from infra.assembly import UNITS
from infra.settings import ENVIRONMENTS


def as_list(value):
    return value if isinstance(value, list) else [value]


def statements(assembly, environment):
    for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for policy in assembly.resources(kind, environment):
            yield from policy["PolicyDocument"]["Statement"]
    for role in assembly.resources("AWS::IAM::Role", environment):
        for policy in role.get("Policies", []):
            yield from policy["PolicyDocument"]["Statement"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_any_resource_is_allowed_only_where_there_is_none_to_name(assembly, environment):
    unnamed = {
        action
        for statement in statements(assembly, environment)
        if "*" in as_list(statement["Resource"])
        for action in as_list(statement["Action"])
    }
    assert unnamed == {
        "cloudwatch:PutMetricData",
        "ecr:GetAuthorizationToken",
        "sagemaker:ListProcessingJobs",
        "sagemaker:ListTrainingJobs",
    }


def test_roles_are_passed_to_sagemaker_alone(assembly):
    passed = [s for s in statements(assembly, "dev") if s["Action"] == "iam:PassRole"]
    assert len(passed) == 1
    assert passed[0]["Condition"] == {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
    }


def test_no_role_has_a_policy_that_aws_manages(assembly):
    assert [r for r in assembly.resources("AWS::IAM::Role") if r.get("ManagedPolicyArns")] == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_bucket_is_versioned_encrypted_private_and_owned(assembly, environment):
    buckets = list(assembly.resources("AWS::S3::Bucket", environment))
    assert len(buckets) == 5
    for bucket in buckets:
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert bucket["LifecycleConfiguration"]["Rules"]
        ownership = bucket["OwnershipControls"]["Rules"]
        assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_drops_are_announced_to_eventbridge_and_access_is_logged(assembly):
    buckets = list(assembly.resources("AWS::S3::Bucket"))
    announced = [b for b in buckets if b.get("NotificationConfiguration")]
    assert len(announced) == 1
    assert announced[0]["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }
    assert len([b for b in buckets if b.get("LoggingConfiguration")]) == 4


def test_data_outlives_its_stack_except_in_dev(assembly):
    kept = {"Retain", "RetainExceptOnCreate"}
    for environment, policies in (("dev", {"Delete"}), ("staging", kept), ("prod", kept)):
        resources = assembly.template(environment, "data")["Resources"].values()
        held = [r for r in resources if r["Type"] in ("AWS::S3::Bucket", "AWS::KMS::Key")]
        assert {resource["DeletionPolicy"] for resource in held} == policies


def test_volumes_of_jobs_and_endpoint_are_encrypted_with_our_key(assembly):
    definition = assembly.definition()
    for step in ("CreateManifests", "FetchServingModel", "ShardImages", "EvaluateModel"):
        cluster = definition.arguments(step)["ProcessingResources"]["ClusterConfig"]
        assert "VolumeKey" in cluster["VolumeKmsKeyId"]
    assert "VolumeKey" in definition.arguments("TrainModel")["ResourceConfig"]["VolumeKmsKeyId"]
    (configuration,) = assembly.resources("AWS::SageMaker::EndpointConfig")
    assert configuration["KmsKeyId"]


def test_every_stack_and_function_says_what_it_is(assembly):
    assert all(assembly.template("dev", unit)["Description"] for unit in UNITS)
    assert all(function["Description"] for function in assembly.resources("AWS::Lambda::Function"))
