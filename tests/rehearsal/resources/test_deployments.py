"""What CreateEndpointConfig, UpdateEndpoint and their deployment configurations take."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.conftest import ROLE, Server, eventually

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/tests:1"
INSTANCE = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
SERVERLESS = {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}
CAPTURE = {
    "InitialSamplingPercentage": 25,
    "DestinationS3Uri": "s3://captured/here",
    "CaptureOptions": [{"CaptureMode": "Output"}],
}
ASYNCHRONOUS = {"OutputConfig": {"S3OutputPath": "s3://answers/here"}}


def refusal(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**request)
    error = raised.value.response["Error"]
    assert error["Code"] == "ValidationException"
    return str(error["Message"])


def make_model(sagemaker: Any, name: str, **more: Any) -> None:
    sagemaker.create_model(
        ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE}, **more
    )


def variant(name: str, model: str, **more: Any) -> dict[str, Any]:
    return {"VariantName": name, "ModelName": model} | (more or INSTANCE)


def size(value: int, kind: str = "CAPACITY_PERCENT") -> dict[str, Any]:
    return {"Type": kind, "Value": value}


@pytest.fixture
def endpoint(sagemaker: Any, name: str) -> str:
    """An endpoint in service, whose configuration has its name and two instances."""
    make_model(sagemaker, name)
    two = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant("all", name, **two)]
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    in_service(sagemaker, name)
    return name


def in_service(sagemaker: Any, name: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        endpoint: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=name)
        return endpoint if endpoint["EndpointStatus"] == "InService" else None

    described: dict[str, Any] = eventually(found)
    return described


def blue_green(routing: dict[str, Any], **policy: Any) -> dict[str, Any]:
    policy["TrafficRoutingConfiguration"] = {"WaitIntervalInSeconds": 300} | routing
    return {"BlueGreenUpdatePolicy": policy}


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (blue_green({"Type": "CANARY"}), "needs a CanarySize"),
        (blue_green({"Type": "CANARY", "CanarySize": size(51)}), "must be 0 to 50 %"),
        (
            blue_green({"Type": "CANARY", "CanarySize": size(2, "INSTANCE_COUNT")}),
            "CanarySize is 100 %",
        ),
        (blue_green({"Type": "LINEAR", "LinearStepSize": size(9)}), "must be 10 to 50 %"),
        (
            blue_green(
                {"Type": "LINEAR", "LinearStepSize": size(50)},
                TerminationWaitInSeconds=400,
                MaximumExecutionTimeoutInSeconds=700,
            ),
            "the steps alone wait for 700 s",
        ),
        (
            {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": size(50),
                    "WaitIntervalInSeconds": 300,
                }
            },
            "no RollingUpdatePolicy",
        ),
    ],
)
def test_a_deployment_configuration_that_aws_does_not_take_is_refused_with_a_sentence(
    sagemaker: Any, endpoint: str, config: dict[str, Any], sentence: str
) -> None:
    message = refusal(
        sagemaker.update_endpoint,
        EndpointName=endpoint,
        EndpointConfigName=endpoint,
        DeploymentConfig=config,
    )

    assert sentence in message
    assert in_service(sagemaker, endpoint)


def test_the_last_deployment_configuration_can_be_used_again(sagemaker: Any, endpoint: str) -> None:
    half = blue_green({"Type": "CANARY", "CanarySize": size(1, "INSTANCE_COUNT")})
    sagemaker.update_endpoint(
        EndpointName=endpoint, EndpointConfigName=endpoint, DeploymentConfig=half
    )
    assert in_service(sagemaker, endpoint)["LastDeploymentConfig"] == half

    sagemaker.update_endpoint(
        EndpointName=endpoint, EndpointConfigName=endpoint, RetainDeploymentConfig=True
    )
    assert in_service(sagemaker, endpoint)["LastDeploymentConfig"] == half

    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=endpoint)
    assert "LastDeploymentConfig" not in in_service(sagemaker, endpoint)


def test_traffic_shifts_in_steps_between_variants_of_one_name_only(
    sagemaker: Any, endpoint: str
) -> None:
    other = f"{endpoint}-other"
    sagemaker.create_endpoint_config(
        EndpointConfigName=other, ProductionVariants=[variant("other", endpoint)]
    )
    canary = blue_green({"Type": "CANARY", "CanarySize": size(10)})

    message = refusal(
        sagemaker.update_endpoint,
        EndpointName=endpoint,
        EndpointConfigName=other,
        DeploymentConfig=canary,
    )

    assert "between variants of the same names only" in message
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=other)


def test_an_endpoint_of_instances_does_not_become_serverless(sagemaker: Any, endpoint: str) -> None:
    serverless = f"{endpoint}-serverless"
    sagemaker.create_endpoint_config(
        EndpointConfigName=serverless, ProductionVariants=[variant("all", endpoint, **SERVERLESS)]
    )

    message = refusal(
        sagemaker.update_endpoint, EndpointName=endpoint, EndpointConfigName=serverless
    )

    assert "can't become serverless" in message


def test_a_capacity_is_of_a_variant_that_is_there(sagemaker: Any, endpoint: str) -> None:
    def change(**wanted: Any) -> str:
        return refusal(
            sagemaker.update_endpoint_weights_and_capacities,
            EndpointName=endpoint,
            DesiredWeightsAndCapacities=[wanted],
        )

    assert "has no variant nobody" in change(VariantName="nobody", DesiredInstanceCount=1)
    assert "can't have 0 instances" in change(VariantName="all", DesiredInstanceCount=0)


@pytest.mark.parametrize(
    ("more", "config", "sentence"),
    [
        (SERVERLESS | INSTANCE, {}, "leave out its InstanceType"),
        (
            {"ServerlessConfig": {"MemorySizeInMB": 1500, "MaxConcurrency": 5}},
            {},
            "a multiple of 1024",
        ),
        (SERVERLESS, {"DataCaptureConfig": CAPTURE}, "takes no DataCaptureConfig"),
        (SERVERLESS, {"AsyncInferenceConfig": ASYNCHRONOUS}, "takes no AsyncInferenceConfig"),
        (SERVERLESS, {"EnableNetworkIsolation": True}, "network isolation or a VPC"),
    ],
)
def test_a_serverless_variant_that_aws_does_not_take_is_refused_with_a_sentence(
    sagemaker: Any, name: str, more: dict[str, Any], config: dict[str, Any], sentence: str
) -> None:
    make_model(sagemaker, name)

    message = refusal(
        sagemaker.create_endpoint_config,
        EndpointConfigName=name,
        ProductionVariants=[variant("all", name, **more)],
        **config,
    )

    assert sentence in message


@pytest.mark.parametrize(
    ("shadows", "sentence"),
    [
        (["all"], "the variant name all is given twice"),
        (["one", "two"], "1 production and 2 shadow variants"),
    ],
)
def test_a_configuration_has_one_shadow_of_another_name(
    sagemaker: Any, name: str, shadows: list[str], sentence: str
) -> None:
    make_model(sagemaker, name)

    message = refusal(
        sagemaker.create_endpoint_config,
        EndpointConfigName=name,
        ProductionVariants=[variant("all", name)],
        ShadowProductionVariants=[variant(shadow, name) for shadow in shadows],
    )

    assert sentence.lower() in message.lower()


def test_an_endpoint_shows_what_its_configuration_says(sagemaker: Any, name: str) -> None:
    make_model(sagemaker, name)
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[variant("all", name)],
        ShadowProductionVariants=[variant("shadow", name)],
        DataCaptureConfig=CAPTURE,
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    endpoint = in_service(sagemaker, name)

    assert [each["VariantName"] for each in endpoint["ShadowProductionVariants"]] == ["shadow"]
    assert endpoint["DataCaptureConfig"] == {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 25,
        "DestinationS3Uri": "s3://captured/here",
        "KmsKeyId": "",
    }


def test_a_serverless_endpoint_shows_its_concurrency_and_no_instances(
    sagemaker: Any, name: str
) -> None:
    make_model(sagemaker, name)
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant("all", name, **SERVERLESS)]
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    (found,) = in_service(sagemaker, name)["ProductionVariants"]

    assert found["CurrentServerlessConfig"] == SERVERLESS["ServerlessConfig"]
    assert found["CurrentInstanceCount"] == 0


def test_an_asynchronous_endpoint_is_not_asked_at_once(
    server: Any, sagemaker: Any, name: str
) -> None:
    make_model(sagemaker, name)
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[variant("all", name)],
        AsyncInferenceConfig=ASYNCHRONOUS,
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert in_service(sagemaker, name)["AsyncInferenceConfig"] == ASYNCHRONOUS

    with pytest.raises(ClientError, match="use InvokeEndpointAsync"):
        server.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=b"x")


@pytest.mark.parametrize("by", ["image", "model package"])
def test_a_model_takes_no_image_with_a_manifest_of_ocis(server: Server, name: str, by: str) -> None:
    kind = "application/vnd.oci.image.manifest.v1+json"
    ecr = server.client("ecr")
    ecr.create_repository(repositoryName=name)
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": {}, "layers": []}
    ecr.put_image(
        repositoryName=name,
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=kind,
        imageTag="1",
    )
    image = f"000000000000.dkr.ecr.us-east-1.amazonaws.com/{name}:1"
    sagemaker = server.client("sagemaker")
    container = {"Image": image}
    if by == "model package":
        package = sagemaker.create_model_package(
            ModelPackageName=name,
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["image/jpeg"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
        )
        container = {"ModelPackageName": package["ModelPackageArn"]}
    message = refusal(
        sagemaker.create_model, ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container
    )
    assert message == f"Unsupported manifest media type {kind} for image {image}."
