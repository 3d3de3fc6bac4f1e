"""Models, endpoint configurations, endpoints and InvokeEndpoint."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.conftest import eventually
from tests.rehearsal.resources.conftest import make_config


def refusal(call, **request):
    with pytest.raises(ClientError) as raised:
        call(**request)
    return raised.value.response["Error"]


def settled(sagemaker, name):
    endpoint = sagemaker.describe_endpoint(EndpointName=name)
    return None if endpoint["EndpointStatus"] in ("Creating", "Updating") else endpoint


def make_endpoint(sagemaker, name, **container):
    make_config(sagemaker, name, **container)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    return eventually(lambda: settled(sagemaker, name))


def test_an_endpoint_answers_once_it_is_in_service(server, sagemaker, name):
    endpoint = make_endpoint(sagemaker, name)
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    answer = server.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, Body=b"\xff\x00" * 10, ContentType="image/jpeg"
    )
    assert answer["InvokedProductionVariant"] == "all"
    assert answer["ContentType"] == "application/json"
    body = json.loads(answer["Body"].read())
    assert (body["bytes"], body["type"]) == (20, "image/jpeg")


def test_an_error_of_the_model_server_is_a_model_error(server, sagemaker, name):
    make_endpoint(sagemaker, name)
    runtime = server.client("sagemaker-runtime")
    with pytest.raises(runtime.exceptions.ModelError) as raised:
        runtime.invoke_endpoint(EndpointName=name, Body=b"bad")
    assert raised.value.response["OriginalStatusCode"] == 400
    assert raised.value.response["OriginalMessage"] == "no image"


def test_invoking_what_is_not_there_is_refused(server, sagemaker):
    error = refusal(
        server.client("sagemaker-runtime").invoke_endpoint, EndpointName="nope", Body=b""
    )
    assert error["Code"] == "ValidationError"
    assert "Endpoint nope of account 000000000000 not found" in error["Message"]


def test_a_fleet_that_does_not_come_up_fails_the_endpoint(sagemaker, name):
    endpoint = make_endpoint(sagemaker, name, ModelDataUrl="s3://no-such-bucket/model.tar.gz")
    assert endpoint["EndpointStatus"] == "Failed"
    assert "NoSuchBucket" in endpoint["FailureReason"]


def test_a_failed_endpoint_can_only_be_deleted(sagemaker, name):
    make_endpoint(sagemaker, name, ModelDataUrl="s3://no-such-bucket/model.tar.gz")
    make_config(sagemaker, f"{name}-2")
    capacity = [{"VariantName": "all", "DesiredInstanceCount": 2}]
    for update, request in (
        (sagemaker.update_endpoint, {"EndpointConfigName": f"{name}-2"}),
        (
            sagemaker.update_endpoint_weights_and_capacities,
            {"DesiredWeightsAndCapacities": capacity},
        ),
    ):
        error = refusal(update, EndpointName=name, **request)
        assert error["Code"] == "ValidationException"
        assert "it can only be deleted" in error["Message"]
    assert sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Failed"
    sagemaker.delete_endpoint(EndpointName=name)


def test_an_update_moves_to_the_new_configuration(server, sagemaker, name):
    make_endpoint(sagemaker, name, Environment={"V": "1"})
    make_config(sagemaker, f"{name}-2", Environment={"V": "2"})
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-2")
    endpoint = eventually(lambda: settled(sagemaker, name))
    assert endpoint["EndpointConfigName"] == f"{name}-2"
    answer = server.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=b"")
    assert json.loads(answer["Body"].read())["environment"] == {"V": "2"}


def test_a_failed_update_leaves_the_older_configuration_in_service(server, sagemaker, name):
    make_endpoint(sagemaker, name, Environment={"V": "1"})
    make_config(sagemaker, f"{name}-2", ModelDataUrl="s3://no-such-bucket/model.tar.gz")
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-2")
    endpoint = eventually(lambda: settled(sagemaker, name))
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["EndpointConfigName"] == name
    assert "NoSuchBucket" in endpoint["FailureReason"]
    answer = server.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=b"")
    assert json.loads(answer["Body"].read())["environment"] == {"V": "1"}


def test_an_endpoint_in_progress_is_not_touched(sagemaker, name):
    make_config(sagemaker, name, Environment={"SECONDS": "1"})
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    error = refusal(sagemaker.delete_endpoint, EndpointName=name)
    assert "in-progress endpoint" in error["Message"]


def test_a_deleted_endpoint_is_gone(sagemaker, name):
    make_endpoint(sagemaker, name)
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.delete_endpoint_config(EndpointConfigName=name)
    sagemaker.delete_model(ModelName=name)
    for call, request in (
        (sagemaker.describe_endpoint, {"EndpointName": name}),
        (sagemaker.describe_endpoint_config, {"EndpointConfigName": name}),
        (sagemaker.describe_model, {"ModelName": name}),
    ):
        error = refusal(call, **request)
        assert error["Code"] == "ValidationException"
        assert error["Message"].startswith("Could not find")


def test_a_configuration_needs_its_model(sagemaker, name):
    error = refusal(
        sagemaker.create_endpoint_config,
        EndpointConfigName=name,
        ProductionVariants=[
            {
                "VariantName": "all",
                "ModelName": "nope",
                "InitialInstanceCount": 1,
                "InstanceType": "ml.m5.large",
            }
        ],
    )
    assert 'Could not find model "arn:aws:sagemaker:' in error["Message"]


def test_endpoints_are_listed_by_status(sagemaker, name):
    make_endpoint(sagemaker, name)
    found = sagemaker.list_endpoints(StatusEquals="InService", NameContains=name)["Endpoints"]
    assert [endpoint["EndpointName"] for endpoint in found] == [name]
    assert not sagemaker.list_endpoints(StatusEquals="Failed", NameContains=name)["Endpoints"]
