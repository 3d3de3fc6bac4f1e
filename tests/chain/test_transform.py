"""Batch transform with the very image and model that the endpoint serves."""

from __future__ import annotations

import json
import time

import pytest

pytestmark = pytest.mark.chain

CLASS = "7"


@pytest.fixture
def allowed(rehearsed):
    """The endpoint's role, which SageMaker transforms as, may read the drops and write answers."""
    endpoint = rehearsed.outputs("serving")["EndpointName"]
    sagemaker, iam = rehearsed.client("sagemaker"), rehearsed.client("iam")
    name = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    configuration = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    model = configuration["ProductionVariants"][0]["ModelName"]
    role = sagemaker.describe_model(ModelName=model)["ExecutionRoleArn"].rpartition("/")[2]
    data = rehearsed.outputs("data")
    drops, answers = data["DropsBucketName"], data["InferenceBucketName"]
    statements = [
        {"Effect": "Allow", "Action": action, "Resource": f"arn:aws:s3:::{resource}"}
        for action, resource in (
            ("s3:ListBucket", drops),
            ("s3:GetObject", f"{drops}/drops/first/*"),
            ("s3:PutObject", f"{answers}/sevens/*"),
        )
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=role, PolicyName="transform", PolicyDocument=document)
    yield model
    iam.delete_role_policy(RoleName=role, PolicyName="transform")


def test_a_folder_of_images_is_labelled_by_a_transform_job(rehearsed, allowed):
    sagemaker = rehearsed.client("sagemaker")
    data = rehearsed.outputs("data")
    drops, answers = data["DropsBucketName"], data["InferenceBucketName"]
    folder = f"drops/first/{CLASS}/"
    sagemaker.create_transform_job(
        TransformJobName="sevens",
        ModelName=allowed,
        TransformInput={
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{drops}/{folder}"}
            },
            "ContentType": "image/jpeg",
        },
        TransformOutput={"S3OutputPath": f"s3://{answers}/sevens", "Accept": "application/json"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 2},
    )
    assert _end(sagemaker)["TransformJobStatus"] == "Completed"

    images = rehearsed.keys(drops, folder)
    labels = [
        json.loads(rehearsed.read(answers, key))["label"]
        for key in rehearsed.keys(answers, "sevens/")
    ]
    assert len(labels) == len(images) > 100
    assert labels.count(CLASS) / len(labels) > 0.95


def _end(sagemaker):
    end = time.monotonic() + 120
    while (job := sagemaker.describe_transform_job(TransformJobName="sevens"))[
        "TransformJobStatus"
    ] == "InProgress":
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.5)
    return job
