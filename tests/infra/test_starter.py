import boto3
import pytest
from botocore.stub import Stubber

from infra.trigger.starter.handler import display_name, request_token, start

ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/e"


def created(key, bucket="drops"):
    return {"detail": {"bucket": {"name": bucket}, "object": {"key": key}}}


@pytest.fixture
def client():
    return boto3.client(
        "sagemaker", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


@pytest.mark.parametrize(
    ("drop_id", "shown"), [("2026-11-23", "2026-11-23"), ("été + 日本", "t"), ("日本", "drop")]
)
def test_a_marker_starts_an_execution_for_its_drop(client, drop_id, shown):
    with Stubber(client) as stub:
        stub.add_response(
            "start_pipeline_execution",
            {"PipelineExecutionArn": ARN},
            {
                "PipelineName": "p",
                "PipelineExecutionDisplayName": shown,
                "PipelineParameters": [{"Name": "DropId", "Value": drop_id}],
                "ClientRequestToken": request_token("drops", drop_id),
            },
        )
        assert start(created(f"drops/{drop_id}/_SUCCESS"), client, "p") == ARN


@pytest.mark.parametrize(
    "key",
    [
        "drops/_SUCCESS",
        "drops//_SUCCESS",
        "drops/a/b/_SUCCESS",
        "drops/a/_SUCCESS/",
        "drops/a/x_SUCCESS",
        "other/drops/a/_SUCCESS",
        f"drops/{'x' * 1025}/_SUCCESS",
    ],
)
def test_what_is_no_marker_of_a_drop_starts_nothing(client, key):
    with Stubber(client):  # any call would fail
        assert start(created(key), client, "p") is None


def test_the_token_is_the_same_for_the_same_drop_and_for_no_other():
    token = request_token("drops", "a")
    assert token == request_token("drops", "a")
    assert token not in {request_token("drops", "b"), request_token("other", "a")}
    assert 32 <= len(token) <= 128


@pytest.mark.parametrize("drop_id", ["a" * 200, "-a-", "a" * 81 + "--b", "x y.z"])
def test_a_display_name_is_one_that_sagemaker_takes(drop_id):
    import re

    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,81}", display_name(drop_id))


def test_a_failing_start_is_an_error_so_that_the_event_is_tried_again(client):
    with Stubber(client) as stub:
        stub.add_client_error("start_pipeline_execution", "ThrottlingException")
        with pytest.raises(client.exceptions.ClientError):
            start(created("drops/a/_SUCCESS"), client, "p")
