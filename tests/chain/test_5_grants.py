"""A deployed role that lacks one of its grants: the step or function runs again, and fails.

Before the later runs, the last of which destroys the stacks.
"""

from __future__ import annotations

import json

import pytest

from tests.chain.grants import run_job, wait, without

pytestmark = pytest.mark.chain

# test_6 decides about the roles as they are here.
pytestmark = [pytestmark, pytest.mark.usefixtures("roles_before_the_end")]

OF_JOBS = [
    ("training/RolesProcessing", "ecr:BatchGetImage"),
    ("training/RolesProcessing", "cloudwatch:PutMetricData"),
    ("training/RolesServingModel", "logs:PutLogEvents"),
    ("training/RolesEvaluation", "ecr:GetAuthorizationToken"),
]


@pytest.mark.parametrize(("label", "action"), OF_JOBS)
def test_a_job_fails_without_a_grant_of_its_role_and_completes_with_it(rehearsed, label, action):
    image = rehearsed.outputs("images")["ProcessingImageUri"]
    name = f"{label.rpartition('/')[2]}-{action.replace(':', '-')}"
    with without(rehearsed, label, action) as grant:
        failed = run_job(rehearsed, label, f"{name}-without", image)
    assert failed["ProcessingJobStatus"] == "Failed"
    assert action in failed["FailureReason"], grant
    assert run_job(rehearsed, label, f"{name}-with", image)["ProcessingJobStatus"] == "Completed"


OF_THE_PIPELINE = [
    ("sagemaker:CreateProcessingJob", ""),
    ("iam:PassRole", "RolesServingModel"),
]


@pytest.mark.parametrize(("action", "on"), OF_THE_PIPELINE)
def test_an_execution_fails_without_a_grant_of_the_pipelines_role(rehearsed, action, on):
    sagemaker = rehearsed.client("sagemaker")
    with without(rehearsed, "training/RolesPipeline", action, on):
        arn = sagemaker.start_pipeline_execution(
            PipelineName=rehearsed.outputs("training")["PipelineName"],
            PipelineParameters=[{"Name": "DropId", "Value": "first"}],
        )["PipelineExecutionArn"]
        ended = wait(
            lambda: sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn),
            "PipelineExecutionStatus",
        )
    assert ended["PipelineExecutionStatus"] == "Failed"
    reasons = " ".join(step.get("FailureReason", "") for step in rehearsed.steps(arn).values())
    assert f"not authorized to perform: {action}" in reasons


OF_FUNCTIONS = [
    ("trigger/Starter", "trigger-Starter", "dynamodb:Query", {"detail-type": "Scheduled Event"}),
    (
        "serving/ApprovedModelDeploymentDeployer",
        "serving-ApprovedModelDeployment",
        "dynamodb:Query",
        {"detail-type": "CloudFormation Stack Status Change", "detail": {}},
    ),
]


@pytest.mark.parametrize(("label", "function", "action", "event"), OF_FUNCTIONS)
def test_a_function_fails_without_a_grant_of_its_role(rehearsed, label, function, action, event):
    functions = rehearsed.client("lambda").list_functions()["Functions"]
    (name,) = [each["FunctionName"] for each in functions if function in each["FunctionName"]]
    with without(rehearsed, label, action):
        assert "not authorized to perform: dynamodb:Query" in _ask(rehearsed, name, event)
    assert "errorMessage" not in _ask(rehearsed, name, event)


def _ask(rehearsed, name, event):
    payload = json.dumps({"time": "2026-11-25T00:00:00Z"} | event).encode()
    answer = rehearsed.client("lambda").invoke(FunctionName=name, Payload=payload)
    return answer["Payload"].read().decode()


def test_an_endpoint_does_not_come_up_without_a_grant_of_its_role(rehearsed):
    sagemaker = rehearsed.client("sagemaker")
    serving = sagemaker.describe_endpoint(EndpointName=rehearsed.outputs("serving")["EndpointName"])
    with without(rehearsed, "serving/EndpointRole", "s3:GetObject"):
        sagemaker.create_endpoint(
            EndpointName="without", EndpointConfigName=serving["EndpointConfigName"]
        )
        ended = wait(lambda: sagemaker.describe_endpoint(EndpointName="without"), "EndpointStatus")
    sagemaker.delete_endpoint(EndpointName="without")
    assert ended["EndpointStatus"] == "Failed"
    assert "not authorized" in ended["FailureReason"] or "AccessDenied" in ended["FailureReason"]
