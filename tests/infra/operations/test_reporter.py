"""What people are told, by the deployed function on a rehearsal's server."""

import contextlib
import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.infra.operations.deployed import ARTIFACTS, NAME, STACK, WORKING
from tests.rehearsal.conftest import eventually

REPOSITORY = Path(__file__).resolve().parents[3]
REJECT = {
    "Name": "RejectModel",
    "Type": "Fail",
    "Arguments": {"ErrorMessage": "The accuracy is below AccuracyThreshold (0.9)."},
}
RUN = "Run 3: 20261125T101500Z-1a2b3c4d and 2 more; token 0123456789abcdef"


@pytest.fixture
def invoke(operations):
    """Calls the function with an end of an execution, as EventBridge would."""

    def call(arn, status, ended="2026-11-25T10:15:00Z"):
        detail = {
            "currentPipelineExecutionStatus": status,
            "pipelineExecutionArn": arn,
            "executionEndTime": ended,
        }
        kind = "SageMaker Model Building Pipeline Execution Status Change"
        answer = operations.server.client("lambda").invoke(
            FunctionName=operations.function(),
            Payload=json.dumps({"id": "1", "detail-type": kind, "detail": detail}),
        )
        assert "FunctionError" not in answer, answer["Payload"].read()

    return call


def maximum(operations, metric, **dimensions):
    now = datetime.now(UTC)
    points = operations.server.client("cloudwatch").get_metric_statistics(
        Namespace="Shardwise",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(days=3650),
        EndTime=now + timedelta(days=1),
        Period=3600,
        Statistics=["Maximum"],
    )["Datapoints"]
    return max((point["Maximum"] for point in points), default=None)


def test_a_failed_execution_is_told_with_step_reason_log_stream_cost_and_runbook(
    operations, execute, train, message
):
    arn = execute(train("Failed"), description=RUN)

    said = message(arn)
    (job,) = operations.server.client("sagemaker").list_training_jobs(
        NameContains=arn.rpartition("/")[2]
    )["TrainingJobSummaries"]
    assert "TrainModel failed: the container failed: it was told to fail." in said
    assert "Log group /aws/sagemaker/TrainingJobs, streams:" in said
    assert f"{job['TrainingJobName']}/algo-1-1\n" in said
    assert "https://us-east-1.console.aws.amazon.com/cloudwatch/home" in said
    assert "Run 3: 20261125T101500Z-1a2b3c4d and 2 more.\n" in said
    assert "Cost so far: USD 0.0000 (1 job, " in said
    assert "What to do: docs/runbooks/failed-executions.md; a retry has the same images" in said
    assert "--retry" not in said


def test_a_job_over_its_time_is_told_with_its_step_and_the_setting_to_change(
    inbox, execute, train, message
):
    arn = execute(train("OverTime"), description=RUN)

    said = message(arn)
    assert "TrainModel was stopped: it ran for its MaxRuntimeInSeconds, 60" in said
    assert "Log group /aws/sagemaker/TrainingJobs" in said
    assert "raise max_runtime_seconds of [training] in infra/environments/dev.toml" in said
    assert "--retry" not in said
    assert f"{NAME}: TrainModel was stopped" in [m["Subject"] for m in inbox()]


def test_a_stopped_job_is_told_with_its_step_and_can_go_on(operations, execute, train, message):
    sagemaker = operations.server.client("sagemaker")

    def stop(arn):
        for job in sagemaker.list_training_jobs(
            NameContains=arn.rpartition("/")[2], StatusEquals="InProgress"
        )["TrainingJobSummaries"]:
            sagemaker.stop_training_job(TrainingJobName=job["TrainingJobName"])

    arn = execute(train("Hang"), meanwhile=stop)

    said = message(arn)
    assert "TrainModel was stopped: a person or a program stopped it (StopTrainingJob)." in said
    assert f"./scripts/watch --environment dev --execution {arn} --retry" in said


@pytest.fixture
def is_raised(operations):
    """Waits until the alarm of this construct id is in ALARM."""

    def wait(construct_id):
        def state():
            alarms = operations.server.client("cloudwatch").describe_alarms()["MetricAlarms"]
            (found,) = (a for a in alarms if a["AlarmName"].startswith(f"{STACK}-{construct_id}"))
            return found["StateValue"]

        eventually(lambda: state() == "ALARM", state)

    return wait


def test_the_alarm_on_failed_executions_is_raised(execute, train, is_raised):
    execute(train("Failed"))

    is_raised("FailedExecutions")


def test_a_reporter_that_fails_is_told_by_its_own_alarms(operations, is_raised, inbox):
    operations.server.client("lambda").invoke(
        FunctionName=operations.function(),
        InvocationType="Event",
        Payload=json.dumps({"id": "1", "detail-type": "Unheard of", "detail": {}}),
    )

    is_raised("FailedFunctions")
    is_raised("FailedReports")
    eventually(lambda: any("dead-letters.md" in m["Message"] for m in inbox()), inbox)


def test_a_rejected_model_is_no_failure_of_the_machinery(execute, message):
    arn = execute(REJECT)

    said = message(arn)
    assert "made a model that is not good enough" in said
    assert "RejectModel: The accuracy is below AccuracyThreshold (0.9)." in said
    assert "Drop: first." in said
    assert "docs/runbooks/rejected-models.md" in said


def test_an_event_that_comes_again_is_told_once(inbox, execute, invoke, message):
    arn = execute(REJECT)
    message(arn)
    for _ in range(3):
        invoke(arn, "Failed")
    other = execute(REJECT)
    message(other)

    # The one that SageMaker's own event led to, and one for all three of the other end's.
    assert len([m for m in inbox() if arn in m["Message"]]) == 2


def test_a_model_that_waits_is_told_with_its_accuracy(operations, execute, train, invoke, message):
    group = f"{NAME}-0a1b2c3d"
    operations.server.client("sagemaker").create_model_package_group(ModelPackageGroupName=group)
    register = {
        "Name": "RegisterModel",
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": group,
            "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {
                "Containers": [{"Image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/tests:1"}],
                "SupportedContentTypes": ["image/jpeg"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
        },
    }
    arn = execute(train("Completed"), register)
    assert f"Version 1 of the model package group {group} waits" in message(arn)

    metrics = {"accuracy": {"value": 0.9731, "standard_deviation": "NaN"}}
    evaluation = {
        "multiclass_classification_metrics": metrics,
        "serving": {"multiclass_classification_metrics": {"accuracy": {"value": 0.96}}},
    }
    s3, name = operations.server.client("s3"), arn.rpartition("/")[2]
    key = f"executions/{name}/evaluation/evaluation.json"
    s3.put_object(Bucket=WORKING, Key=key, Body=json.dumps(evaluation).encode())
    key = f"lineage/{name}/dataset.json"
    s3.put_object(Bucket=ARTIFACTS, Key=key, Body=json.dumps({"objects": 1797}).encode())
    invoke(arn, "Succeeded", ended="2026-11-25T11:00:00Z")

    said = message("0.9731")
    assert "Accuracy: 0.9731 on the test channel; the model that serves has 0.9600." in said
    assert "./scripts/approve --environment dev 1" in said
    assert maximum(operations, "Accuracy", PipelineName=NAME) == 0.9731
    assert maximum(operations, "Objects", PipelineName=NAME) == 1797


def test_an_evaluation_that_is_none_keeps_no_message_back(operations, execute, invoke, message):
    arn = execute(REJECT)
    message(arn)
    key = f"executions/{arn.rpartition('/')[2]}/evaluation/evaluation.json"
    s3 = operations.server.client("s3")
    for number, body in enumerate((b"{half", b"[]", b'{"serving": 1}')):
        s3.put_object(Bucket=WORKING, Key=key, Body=body)
        invoke(arn, "Failed", ended=f"2026-11-25T12:00:0{number}Z")


def test_cost_is_a_metric_by_run_and_by_step(operations, execute, train):
    execute(train("Completed"))

    eventually(lambda: maximum(operations, "RunCost", PipelineName=NAME) is not None)
    eventually(
        lambda: (
            maximum(operations, "StepCost", PipelineName=NAME, StepName="TrainModel") is not None
        )
    )


def test_a_rollback_of_the_serving_stack_is_told_with_its_reason(operations, inbox, message):
    stack, cloudformation = f"{NAME}-serving", operations.server.client("cloudformation")
    body = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    operations.create(stack, body)
    body["Resources"]["Endpoint"] = {"Type": "AWS::CloudWatch::Alarm", "Properties": {}}
    cloudformation.update_stack(
        StackName=stack,
        TemplateBody=json.dumps(body),
        ClientRequestToken=f"model-7-{uuid.uuid4()}",
    )

    said = message(f"The stack {stack} rolled")
    assert "rolled model 7 back. The model of before serves on." in said
    assert "Why: Endpoint: " in said
    assert "docs/runbooks/models-taken-back.md" in said
    subjects = [m["Subject"] for m in inbox()]
    assert f"{NAME}: model 7 was taken back" in subjects


def test_the_documented_command_says_how_long_logs_of_jobs_are_kept(operations):
    page = (REPOSITORY / "docs" / "options.md").read_text("utf-8")
    (group, days) = re.search(
        r"aws logs put-retention-policy --log-group-name (\S+) --retention-in-days (\d+)", page
    ).groups()
    logs = operations.server.client("logs")
    for kind in re.search(r"for group in ([\w ]+);", page)[1].split():
        name = group.replace("$group", kind)
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=name)
        logs.put_retention_policy(logGroupName=name, retentionInDays=int(days))
        (found,) = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        assert found["retentionInDays"] == int(days)
