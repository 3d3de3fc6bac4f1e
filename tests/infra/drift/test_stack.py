"""Drift as the environments deploy it: prod without retraining, dev not at all, and dev with it."""

import json

import aws_cdk as cdk
import cdk_nag
import pytest

from functions.shared import RETRAINING_SOURCE, EventType
from infra.assembly import plain_text
from infra.deployment import Deployment
from infra.settings import load
from tests.infra.cloud_assembly import CloudAssembly
from tests.infra.conftest import REPOSITORY

CONTEXT = {"endpoint.capture_percent": "100", "drift.every_hours": "6", "drift.retrain": "true"}


@pytest.fixture(scope="module")
def drifting(tmp_path_factory):
    """Dev that compares and retrains."""
    folder = tmp_path_factory.mktemp("drifting")
    settled = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    app = cdk.App(outdir=str(folder), analytics_reporting=False, context=settled)
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks())
    Deployment(app, settings=load("dev", CONTEXT))
    app.synth()
    return CloudAssembly(folder)


def resources(assembly, kind, environment="dev"):
    """Properties of what the operations stack has of a type for drift, by logical id."""
    template = assembly.template(environment, "operations")["Resources"]
    return {
        name: resource["Properties"]
        for name, resource in template.items()
        if resource["Type"] == f"AWS::{kind}" and name.startswith("Drift")
    }


def functions(assembly, environment="dev"):
    found = resources(assembly, "Lambda::Function", environment).values()
    return {function["Handler"].split(".")[2]: function for function in found}


def allowed(assembly, part, environment="dev"):
    """Where a function may do what, by action."""
    policies = resources(assembly, "IAM::Policy", environment)
    (policy,) = [found for name, found in policies.items() if name.startswith(f"Drift{part}")]
    return {
        action: [plain_text(where) for where in as_list(statement["Resource"])]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
    }


def as_list(value):
    return value if isinstance(value, list) else [value]


def test_it_is_clean_by_cdk_nag(drifting):
    report = json.loads((drifting.folder / "validation-report.json").read_text())
    assert [plugin["violations"] for plugin in report["pluginReports"]] == []


def test_without_hours_between_comparisons_there_is_nothing_of_it(assembly):
    assert "Drift" not in " ".join(assembly.template("dev", "operations")["Resources"])


def test_prod_compares_and_tells_people_and_starts_nothing(assembly):
    assert set(functions(assembly, "prod")) == {"compare"}
    (alarm,) = resources(assembly, "CloudWatch::Alarm", "prod").values()
    assert len(alarm["AlarmActions"]) == 1
    assert "sagemaker:StartPipelineExecution" not in json.dumps(
        assembly.template("prod", "operations")
    )


def test_it_reads_where_sagemaker_writes_the_answers_of_the_variant_that_answers(drifting):
    (configuration,) = drifting.resources("AWS::SageMaker::EndpointConfig")
    (variant,) = configuration["ProductionVariants"]
    (endpoint,) = drifting.resources("AWS::SageMaker::Endpoint")
    settings = functions(drifting)["compare"]["Environment"]["Variables"]
    destination = plain_text(configuration["DataCaptureConfig"]["DestinationS3Uri"])
    bucket = plain_text(settings["CAPTURE_BUCKET"])
    folder = f"{endpoint['EndpointName']}/{variant['VariantName']}/"
    assert f"{destination}/{folder}" == f"s3://{bucket}/{settings['CAPTURE_PREFIX']}"


def test_it_compares_as_often_as_the_settings_say_and_tells_people_what_to_read(drifting):
    (schedule,) = [
        rule
        for rule in resources(drifting, "Events::Rule").values()
        if "ScheduleExpression" in rule
    ]
    assert schedule["ScheduleExpression"] == "rate(6 hours)"
    (alarm,) = resources(drifting, "CloudWatch::Alarm").values()
    page = alarm["AlarmDescription"].rpartition("docs/")[2].split()[0]
    assert (REPOSITORY / "docs" / page).is_file()
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0.25, "GreaterThanThreshold")


def test_the_comparison_may_read_answers_and_counts_and_write_its_own_file_alone(drifting):
    may = allowed(drifting, "Comparison")
    reads = {resource.partition("/")[2] for resource in may["s3:GetObject"]}
    assert reads == {"captured/shardwise-dev/AllTraffic/*", "lineage/*/dataset.json"}
    assert [r.partition("/")[2] for r in may["s3:PutObject"]] == ["drift/comparison.json"]
    assert {action for action in may if action.startswith(("sagemaker:", "cloudformation:"))} == {
        "sagemaker:DescribeModelPackage",
        "cloudformation:DescribeStacks",
    }


def test_the_other_may_ask_for_a_run_and_starts_nothing_and_reads_no_answers(drifting):
    may = allowed(drifting, "Retraining")
    assert [r.partition("/")[2] for r in may["s3:GetObject"]] == ["drift/comparison.json"]
    assert may["events:PutEvents"] == ["arn:aws:events:us-east-1:123456789012:event-bus/default"]
    assert not [action for action in may if action.startswith(("sagemaker:", "s3:Put"))]


def test_what_it_asks_with_is_what_the_starter_hears(drifting):
    (rule,) = (
        resource["Properties"]
        for resource in drifting.template("dev", "trigger")["Resources"].values()
        if resource.get("Properties", {}).get("EventPattern", {}).get("source")
        == [RETRAINING_SOURCE]
    )
    variables = functions(drifting)["retrain"]["Environment"]["Variables"]
    assert rule["EventPattern"] == {
        "source": [RETRAINING_SOURCE],
        "detail-type": [EventType.RETRAINING_REQUESTED],
        "detail": {"PipelineName": [variables["PIPELINE_NAME"]]},
    }


def test_metrics_go_to_one_namespace(drifting):
    policies = json.dumps(list(resources(drifting, "IAM::Policy").values()))
    assert policies.count("cloudwatch:PutMetricData") == 1
    assert '{"StringEquals": {"cloudwatch:namespace": "Shardwise"}}' in policies
    assert functions(drifting)["compare"]["Environment"]["Variables"]["NAMESPACE"] == "Shardwise"


def test_what_fails_waits_in_a_queue_that_is_watched(drifting):
    template = drifting.template("dev", "operations")["Resources"]
    (queue,) = resources(drifting, "SQS::Queue")
    for function in functions(drifting).values():
        assert function["DeadLetterConfig"]["TargetArn"]["Fn::GetAtt"][0] == queue
    for rule in resources(drifting, "Events::Rule").values():
        assert rule["Targets"][0]["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0] == queue
    watching = [
        resource
        for resource in template.values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
        and queue in json.dumps(resource["Properties"])
    ]
    assert len(watching) == 1
