"""No grant is superfluous.

A deployed role that lacks one of its grants: the step or function runs again, and fails. Then the
stacks are destroyed, and all that was asked of IAM since they were deployed is decided anew less
each grant. So these come after all others.
"""

from __future__ import annotations

import json
import subprocess

import pytest

from infra.suppressions import stale, unsuppressed
from infra.suppressions.tables import EXERCISED_ELSEWHERE
from scripts.deployed.stacks import roles_of
from tests.chain.grants import BY_ROLLOUTS, run_job, unneeded_grants, wait, without

pytestmark = pytest.mark.chain

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


@pytest.fixture(scope="module")
def roles(rehearsed):
    """The deployed roles, before the stacks are destroyed."""
    return roles_of(rehearsed.client, "dev")


@pytest.fixture(scope="module")
def destroyed(rehearsed, roles):
    """What is left of the stacks' names and of the endpoint's processes."""
    output = ("--output", str(rehearsed.folder / "destroy.out"))
    done = rehearsed.run("./scripts/cdk", "destroy", "dev/*", "--force", *output)
    assert done.returncode == 0, done.stdout + done.stderr
    names = [
        stack["StackName"]
        for stack in rehearsed.client("cloudformation").describe_stacks()["Stacks"]
        if stack["StackStatus"] != "DELETE_COMPLETE"
    ]
    processes = subprocess.run(
        ["pgrep", "-f", str(rehearsed.folder / "endpoints")],
        capture_output=True,
        text=True,
        check=False,
    )
    return [name for name in names if name.startswith("shardwise-dev")], processes.stdout


@pytest.fixture(scope="module")
def unneeded(rehearsed, roles, destroyed):
    return unneeded_grants(rehearsed, roles)


def test_the_stacks_can_be_destroyed(destroyed):
    assert destroyed == ([], "")


def test_the_rehearsal_fails_without_any_grant_but_those_that_are_explained(unneeded):
    left = unsuppressed(unneeded, EXERCISED_ELSEWHERE + BY_ROLLOUTS)
    assert not left, "\n".join(map(str, left))


def test_nothing_is_explained_that_the_rehearsal_does_need(unneeded):
    left = stale(unneeded, EXERCISED_ELSEWHERE)
    assert not left, "\n".join(map(str, left))
