"""The guard of the endpoint: CloudFormation hears the truth about an update."""

from datetime import UTC, datetime

import boto3
import pytest
from botocore.stub import Stubber

from functions.custom_resources import endpoint_guard as handler

ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/shardwise-dev"
ANSWER_SECONDS = 20
LONG_AGO = datetime(2026, 11, 25, tzinfo=UTC)


class Function:
    """As Lambda tells how long a function has left."""

    def get_remaining_time_in_millis(self):
        return 120_000


@pytest.fixture
def endpoint(monkeypatch):
    """Says what SageMaker answers, one description after the other."""
    client = boto3.client(
        "sagemaker", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    monkeypatch.setattr(handler.boto3, "client", lambda _, config: client)
    monkeypatch.setattr(handler.time, "sleep", lambda _: None)

    class Endpoint:
        def is_described(self, status, **more):
            described = {
                "EndpointName": "shardwise-dev",
                "EndpointArn": ARN,
                "EndpointStatus": status,
                "CreationTime": LONG_AGO,
                "LastModifiedTime": LONG_AGO,
                **more,
            }
            asked = {"EndpointName": "shardwise-dev"}
            self.stub.add_response("describe_endpoint", described, asked)

        def is_gone(self):
            self.stub.add_client_error(
                "describe_endpoint", "ValidationException", 'Could not find endpoint "x".'
            )

    with Stubber(client) as stub:
        Endpoint.stub = stub
        yield Endpoint()
        stub.assert_no_pending_responses()


@pytest.fixture
def answer(cloudformation):
    """What CloudFormation hears when it asks for the configuration `new`, or another."""
    url, answers = cloudformation

    def ask(kind, configuration="new"):
        event = {
            "RequestType": kind,
            "ResponseURL": url,
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "resource",
            "ResourceProperties": {
                "EndpointName": "shardwise-dev",
                "EndpointConfigName": configuration,
            },
        }
        handler.handler(event, Function())
        assert answers[-1]["PhysicalResourceId"] == "shardwise-dev"
        return answers[-1]["Status"], answers[-1]["Reason"]

    return ask


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_an_endpoint_that_serves_what_it_was_given_is_let_be(endpoint, answer, kind):
    endpoint.is_described("InService", EndpointConfigName="new")
    assert answer(kind) == ("SUCCESS", "")


@pytest.mark.parametrize("reason", [{}, {"FailureReason": "The alarm Latency is in ALARM"}])
def test_an_update_that_sagemaker_took_back_is_a_failure(endpoint, answer, reason):
    endpoint.is_described("InService", EndpointConfigName="old", **reason)
    status, said = answer("Update")
    assert status == "FAILED"
    assert "took the update of shardwise-dev back" in said
    assert "serves old and not new" in said
    assert reason.get("FailureReason", "gave no reason") in said


def test_in_the_rollback_that_follows_the_old_configuration_is_right(endpoint, answer):
    endpoint.is_described("InService", EndpointConfigName="old")
    assert answer("Update")[0] == "FAILED"
    endpoint.is_described("InService", EndpointConfigName="old")
    assert answer("Update", configuration="old") == ("SUCCESS", "")


@pytest.mark.parametrize("passage", ["Creating", "Updating", "SystemUpdating", "RollingBack"])
def test_an_update_under_way_is_waited_for(endpoint, answer, passage):
    endpoint.is_described(passage, EndpointConfigName="old")
    endpoint.is_described(passage, EndpointConfigName="old")
    endpoint.is_described("InService", EndpointConfigName="new")
    assert answer("Update") == ("SUCCESS", "")


def test_an_update_that_does_not_end_while_the_function_may_run_is_a_failure(
    endpoint, answer, monkeypatch
):
    monkeypatch.setattr(Function, "get_remaining_time_in_millis", lambda _: 30_000)
    endpoint.is_described("Updating", EndpointConfigName="old")
    status, said = answer("Update")
    assert status == "FAILED"
    assert "still Updating" in said


def test_a_question_that_hangs_leaves_time_for_the_answer():
    client = handler._CLIENT
    asked = client.retries["total_max_attempts"] * (client.connect_timeout + client.read_timeout)
    assert asked + ANSWER_SECONDS <= handler._TO_ANSWER_SECONDS


@pytest.mark.parametrize("end", ["Failed", "OutOfService", "UpdateRollbackFailed"])
def test_an_endpoint_that_serves_nothing_is_a_failure(endpoint, answer, end):
    endpoint.is_described(end, EndpointConfigName="new", FailureReason="No capacity")
    status, said = answer("Create")
    assert status == "FAILED"
    assert f"{end} (No capacity)" in said


def test_an_endpoint_that_is_gone_is_a_failure_and_lets_itself_be_deleted(endpoint, answer):
    endpoint.is_gone()
    status, said = answer("Update")
    assert (status, "Could not find" in said) == ("FAILED", True)
    assert answer("Delete") == ("SUCCESS", "")


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_stack_asks_after_the_endpoint_and_before_it_cleans_up(assembly, environment):
    resources = assembly.template(environment, "serving")["Resources"]
    (guard,) = [r for r in resources.values() if r["Type"] == "Custom::EndpointServes"]
    (endpoint,) = [k for k, r in resources.items() if r["Type"] == "AWS::SageMaker::Endpoint"]
    # CloudFormation cleans up when all updates are done, and asks again where this one changes.
    assert endpoint in guard["DependsOn"]
    assert guard["Condition"] == resources[endpoint]["Condition"]
    asked = guard["Properties"]
    assert asked["EndpointConfigName"] == resources[endpoint]["Properties"]["EndpointConfigName"]
    assert asked["EndpointName"] == resources[endpoint]["Properties"]["EndpointName"]
    assert "Condition" not in resources[asked["ServiceToken"]["Fn::GetAtt"][0]]


def test_the_guard_may_describe_this_endpoint_and_nothing_else(assembly):
    policies = assembly.resources("AWS::IAM::Policy")
    (policy,) = [p for p in policies if "EndpointGuard" in str(p["Roles"])]
    (asks,) = [s for s in policy["PolicyDocument"]["Statement"] if "logs:" not in str(s["Action"])]
    assert asks["Action"] == "sagemaker:DescribeEndpoint"
    assert asks["Resource"]["Fn::Join"][1][-1] == ":endpoint/shardwise-dev"
