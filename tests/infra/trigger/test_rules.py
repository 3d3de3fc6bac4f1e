"""The trigger's stack as it is deployed."""

import json

import pytest

from infra.assembly import plain_text


def resources(assembly, kind, unit="trigger"):
    return [
        resource["Properties"]
        for resource in assembly.template("prod", unit)["Resources"].values()
        if resource["Type"] == f"AWS::{kind}"
    ]


@pytest.fixture(scope="module")
def allowed(assembly):
    """Resources by action."""
    (policy,) = resources(assembly, "IAM::Policy")
    found = {}
    for statement in policy["PolicyDocument"]["Statement"]:
        actions, on = statement["Action"], statement["Resource"]
        for action in [actions] if isinstance(actions, str) else actions:
            found[action] = [plain_text(each) for each in (on if isinstance(on, list) else [on])]
    return found


def test_it_may_start_and_look_and_stops_deletes_and_reads_no_images(allowed):
    assert set(allowed) == {
        "sagemaker:StartPipelineExecution",
        "sagemaker:ListPipelineExecutions",
        "sagemaker:DescribePipelineExecution",
        "sagemaker:ListPipelineExecutionSteps",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:Query",
        "s3:ListBucket",
        "s3:GetObject",
        "cloudwatch:PutMetricData",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sqs:SendMessage",
    }


def test_it_reads_what_runs_made_of_their_drops_and_no_more(allowed):
    (datasets,) = allowed["s3:GetObject"]
    assert datasets.endswith("/lineage/*/dataset.json")


def test_it_may_start_the_one_pipeline(allowed):
    (pipeline,) = allowed["sagemaker:StartPipelineExecution"]
    assert pipeline.endswith(":pipeline/shardwise-prod")
    assert allowed["sagemaker:DescribePipelineExecution"] == [f"{pipeline}/execution/*"]


def test_it_hears_markers_executions_and_drift_and_looks_by_itself(assembly):
    rules = resources(assembly, "Events::Rule")
    heard = {rule["EventPattern"]["detail-type"][0] for rule in rules if "EventPattern" in rule}
    assert heard == {
        "Object Created",
        "SageMaker Model Building Pipeline Execution Status Change",
        "Retraining Requested",
    }
    assert [r["ScheduleExpression"] for r in rules if "ScheduleExpression" in r] == [
        "rate(15 minutes)"
    ]


def test_what_fails_waits_in_the_queue(assembly):
    (function,) = resources(assembly, "Lambda::Function")
    queue = function["DeadLetterConfig"]["TargetArn"]
    for rule in resources(assembly, "Events::Rule"):
        assert rule["Targets"][0]["DeadLetterConfig"]["Arn"] == queue


def test_people_are_told_of_drops_that_wait_for_them(assembly):
    (alarm,) = (
        alarm
        for alarm in resources(assembly, "CloudWatch::Alarm", "operations")
        if "HeldDrops" in json.dumps(alarm.get("Metrics"))
    )
    (metric,) = (each["MetricStat"]["Metric"] for each in alarm["Metrics"])
    assert metric["Dimensions"] == [{"Name": "PipelineName", "Value": "shardwise-prod"}]
    assert len(alarm["AlarmActions"]) == 1
    (function,) = resources(assembly, "Lambda::Function")
    variables = function["Environment"]["Variables"]
    assert metric["Namespace"] == variables["NAMESPACE"]
    assert (variables["CONCURRENT_EXECUTIONS"], variables["EXECUTIONS_PER_DAY"]) == ("1", "24")
