"""Batch transform with the very image and model that the endpoint serves."""

from __future__ import annotations

import json
import time

import pytest

pytestmark = pytest.mark.chain

CLASS = "7"


def test_a_folder_of_images_is_labelled_by_a_transform_job(rehearsed):
    sagemaker = rehearsed.client("sagemaker")
    endpoint = sagemaker.describe_endpoint(
        EndpointName=rehearsed.outputs("serving")["EndpointName"]
    )
    configuration = sagemaker.describe_endpoint_config(
        EndpointConfigName=endpoint["EndpointConfigName"]
    )
    data = rehearsed.outputs("data")
    drops, answers = data["DropsBucketName"], data["InferenceBucketName"]
    folder = f"drops/first/{CLASS}/"
    sagemaker.create_transform_job(
        TransformJobName="sevens",
        ModelName=configuration["ProductionVariants"][0]["ModelName"],
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
