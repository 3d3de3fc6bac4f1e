"""Model package groups, their versions, approval."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.conftest import ROLE, eventually

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/tests:1"


def refusal(call, **request):
    with pytest.raises(ClientError) as raised:
        call(**request)
    return raised.value.response["Error"]


def register(sagemaker, group, **more):
    return sagemaker.create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "Environment": {"FROM": "package"}}],
            "SupportedContentTypes": ["image/jpeg"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        **more,
    )["ModelPackageArn"]


@pytest.fixture
def group(sagemaker, name):
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    return name


def test_versions_count_up_and_wait_for_approval(sagemaker, group):
    arns = [register(sagemaker, group) for _ in range(2)]
    assert [arn.rpartition("/")[2] for arn in arns] == ["1", "2"]
    package = sagemaker.describe_model_package(ModelPackageName=arns[1])
    assert package["ModelPackageVersion"] == 2
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert package["ModelPackageStatus"] == "Completed"


def test_a_deleted_version_is_never_given_again(sagemaker, group):
    sagemaker.delete_model_package(ModelPackageName=register(sagemaker, group))
    assert register(sagemaker, group).endswith("/2")


def test_approved_versions_are_found(sagemaker, group):
    arns = [register(sagemaker, group) for _ in range(3)]
    sagemaker.update_model_package(
        ModelPackageArn=arns[1], ModelApprovalStatus="Approved", ApprovalDescription="good"
    )
    found = sagemaker.list_model_packages(
        ModelPackageGroupName=group, ModelApprovalStatus="Approved"
    )["ModelPackageSummaryList"]
    assert [package["ModelPackageArn"] for package in found] == [arns[1]]
    newest = sagemaker.list_model_packages(ModelPackageGroupName=group, MaxResults=1)
    assert newest["ModelPackageSummaryList"][0]["ModelPackageArn"] == arns[2]


def test_packages_are_described_in_a_batch(sagemaker, group):
    arn = register(sagemaker, group)
    answer = sagemaker.batch_describe_model_package(ModelPackageArnList=[arn, f"{arn}9"])
    assert answer["ModelPackageSummaries"][arn]["ModelPackageVersion"] == 1
    errors = answer["BatchDescribeModelPackageErrorMap"]
    assert errors[f"{arn}9"]["ErrorCode"] == "ValidationException"


def test_a_group_with_packages_is_not_deleted(sagemaker, group):
    arn = register(sagemaker, group)
    error = refusal(sagemaker.delete_model_package_group, ModelPackageGroupName=group)
    assert error["Code"] == "ConflictException"
    sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    error = refusal(sagemaker.describe_model_package_group, ModelPackageGroupName=group)
    assert "does not exist" in error["Message"]


def test_metadata_is_merged(sagemaker, group):
    arn = register(sagemaker, group, CustomerMetadataProperties={"a": "1", "b": "2"})
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        CustomerMetadataProperties={"c": "3"},
        CustomerMetadataPropertiesToRemove=["a"],
    )
    package = sagemaker.describe_model_package(ModelPackageName=arn)
    assert package["CustomerMetadataProperties"] == {"b": "2", "c": "3"}


def test_a_model_is_made_of_an_approved_package_only_and_one_of_them_gives_the_environment(
    server, sagemaker, group
):
    arn = register(sagemaker, group)
    asked = {
        "ModelName": group,
        "ExecutionRoleArn": ROLE,
        "PrimaryContainer": {"ModelPackageName": arn},
    }
    assert "PendingManualApproval" in refusal(sagemaker.create_model, **asked)["Message"]
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    twice = asked | {
        "PrimaryContainer": {"ModelPackageName": arn, "Environment": {"FROM": "model"}}
    }
    assert "both at Model Package" in refusal(sagemaker.create_model, **twice)["Message"]
    sagemaker.create_model(**asked)
    sagemaker.create_endpoint_config(
        EndpointConfigName=group,
        ProductionVariants=[
            {
                "VariantName": "all",
                "ModelName": group,
                "InitialInstanceCount": 1,
                "InstanceType": "ml.m5.large",
            }
        ],
    )
    sagemaker.create_endpoint(EndpointName=group, EndpointConfigName=group)
    eventually(
        lambda: sagemaker.describe_endpoint(EndpointName=group)["EndpointStatus"] == "InService"
    )
    answer = server.client("sagemaker-runtime").invoke_endpoint(EndpointName=group, Body=b"")
    said = json.loads(answer["Body"].read())
    assert (said["package"], said["environment"]) == (arn, {"FROM": "package"})


def test_a_decision_can_be_changed_again_and_again(sagemaker, group):
    arn = register(sagemaker, group)
    for status in ("Approved", "Rejected", "Approved"):
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=status)
        package = sagemaker.describe_model_package(ModelPackageName=arn)
        assert package["ModelApprovalStatus"] == status
