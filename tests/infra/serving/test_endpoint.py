"""What each mode of the endpoint makes of the serving stack; a mode is synthesised once."""

import json
import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import cdk_nag
import pytest

from infra.assembly import plain_text
from infra.deployment import Deployment
from infra.settings import load
from infra.validation import OwnRules
from tests.infra.cloud_assembly import CloudAssembly
from tests.infra.conftest import REPOSITORY
from tests.infra.operations.test_stack import graphs

PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/shardwise-dev-1/7"
MODES = {
    "scaled": {
        "endpoint.instance_count": "4",
        "endpoint.minimum_instances": "4",
        "endpoint.maximum_instances": "8",
        "endpoint.invocations_per_instance": "250",
        "endpoint.traffic_shift": "canary",
        "endpoint.shift_percent": "25",
        "endpoint.capture_percent": "20",
    },
    "shadowed": {
        "endpoint.shadow_model_package": PACKAGE,
        "endpoint.capture_percent": "100",
        "endpoint.capture_images": "true",
        "endpoint.minimum_confidence": "0",
    },
    "serverless": {"endpoint.mode": "serverless", "endpoint.serverless_memory_megabytes": "2048"},
    "asynchronous": {
        "endpoint.mode": "asynchronous",
        "endpoint.minimum_instances": "0",
        "endpoint.maximum_instances": "3",
    },
}


@pytest.fixture(scope="module")
def modes(tmp_path_factory):
    """Dev in each mode, as `-c` gives it."""
    made = {}
    for mode, context in MODES.items():
        folder = tmp_path_factory.mktemp(mode)
        settled = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
        app = cdk.App(outdir=str(folder), analytics_reporting=False, context=settled)
        settings = load("dev", context)
        cdk.Validations.of(app).add_plugins(
            cdk_nag.AwsSolutionsChecks(), OwnRules({"dev": settings})
        )
        Deployment(app, settings=settings)
        app.synth()
        made[mode] = CloudAssembly(folder)
    return made


def only(assembly, kind):
    (made,) = assembly.resources(f"AWS::{kind}")
    return made


def configuration(assembly):
    return only(assembly, "SageMaker::EndpointConfig")


def rollback_alarms(assembly):
    """The alarms that an update watches, by their metric."""
    deployment = only(assembly, "SageMaker::Endpoint")["DeploymentConfig"]
    watched = deployment["AutoRollbackConfiguration"]["Alarms"]
    resources = assembly.template("dev", "serving")["Resources"]
    alarms = [resources[alarm["AlarmName"]["Ref"]]["Properties"] for alarm in watched]
    return {alarm["MetricName"]: alarm for alarm in alarms}


def dimensions(alarm):
    return {d["Name"]: d["Value"] for d in alarm["Dimensions"]}


def endpoint_may(assembly, action):
    """The objects on which the endpoint's role may do `action`, by bucket and pattern."""
    return {
        plain_text(resource).partition("InferenceB")[2].partition("/")[2]
        for policy in assembly.resources("AWS::IAM::Policy")
        if "EndpointRole" in str(policy["Roles"])
        for statement in policy["PolicyDocument"]["Statement"]
        if action in statement["Action"]
        for resource in (
            statement["Resource"]
            if isinstance(statement["Resource"], list)
            else [statement["Resource"]]
        )
        if "Inference" in plain_text(resource)
    }


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_is_clean_by_cdk_nag(modes, mode):
    report = json.loads((modes[mode].folder / "validation-report.json").read_text())
    assert [plugin["violations"] for plugin in report["pluginReports"]] == []


def test_every_mode_is_clean_by_cfn_lint(modes):
    files = [
        str(assembly.template_file("dev", unit))
        for assembly in modes.values()
        for unit in ("serving", "operations")
    ]
    cfn_lint = Path(sys.executable).with_name("cfn-lint")
    command = [str(cfn_lint), "--ignore-checks", "W3005", "--", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("mode", MODES)
def test_without_a_model_no_mode_makes_what_is_billed_or_watched(modes, mode):
    resources = modes[mode].template("dev", "serving")["Resources"].values()
    conditional = (
        "AWS::SageMaker::Model",
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::Endpoint",
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::CloudWatch::Alarm",
    )
    made = [resource for resource in resources if resource["Type"] in conditional]
    assert len(made) >= 3
    (condition,) = {resource.get("Condition") for resource in made}
    assert condition


@pytest.mark.parametrize("mode", MODES)
def test_the_endpoint_keeps_its_name_and_what_is_replaced_has_none(modes, mode):
    assert only(modes[mode], "SageMaker::Endpoint")["EndpointName"] == "shardwise-dev"
    assert "EndpointConfigName" not in configuration(modes[mode])
    assert not any("ModelName" in m for m in modes[mode].resources("AWS::SageMaker::Model"))


@pytest.mark.parametrize("mode", MODES)
def test_the_log_group_is_there_before_the_endpoint_and_expires(modes, mode):
    resources = modes[mode].template("dev", "serving")["Resources"]
    (group,) = [
        name
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Logs::LogGroup"
        and resource["Properties"].get("LogGroupName") == "/aws/sagemaker/Endpoints/shardwise-dev"
    ]
    assert resources[group]["Properties"]["RetentionInDays"] == 14
    (endpoint,) = [r for r in resources.values() if r["Type"] == "AWS::SageMaker::Endpoint"]
    assert group in endpoint["DependsOn"]


def test_a_canary_is_a_share_of_the_instances_and_waits_before_and_after_the_rest(modes):
    deployment = only(modes["scaled"], "SageMaker::Endpoint")["DeploymentConfig"]
    assert deployment["BlueGreenUpdatePolicy"] == {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25},
            "WaitIntervalInSeconds": 300,
        },
        "TerminationWaitInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 4200,
    }


def test_errors_and_latency_are_those_of_the_new_instances_alone(modes):
    alarms = rollback_alarms(modes["scaled"])
    (made,) = [
        name
        for name, resource in modes["scaled"].template("dev", "serving")["Resources"].items()
        if resource["Type"] == "AWS::SageMaker::EndpointConfig"
    ]
    for metric in ("Invocation5XXErrors", "ModelLatency"):
        assert dimensions(alarms[metric]) == {
            "EndpointName": "shardwise-dev",
            "VariantName": "AllTraffic",
            "EndpointConfigName": {"Fn::GetAtt": [made, "EndpointConfigName"]},
        }
    assert alarms["Invocation5XXErrors"]["Statistic"] == "Sum"
    assert alarms["ModelLatency"]["ExtendedStatistic"] == "p99"
    # A second, in CloudWatch's microseconds.
    assert alarms["ModelLatency"]["Threshold"] == 1_000_000


def by_log(mode):
    """The metric filters of the endpoint's log, by metric."""
    resources = mode.template("dev", "serving")["Resources"].values()
    filters = [r["Properties"] for r in resources if r["Type"] == "AWS::Logs::MetricFilter"]
    return {each["MetricTransformations"][0]["MetricName"]: each for each in filters}


def test_refused_requests_are_told_and_take_no_model_back(modes):
    overloads = by_log(modes["scaled"])["Overloads"]
    assert overloads["FilterPattern"] == "{ $.status = 429 }"
    (transformation,) = overloads["MetricTransformations"]

    alarms = modes["scaled"].template("dev", "operations")["Resources"].values()
    (alarm,) = [r["Properties"] for r in alarms if r["Properties"].get("MetricName") == "Overloads"]
    assert alarm["Namespace"] == transformation["MetricNamespace"]
    assert alarm["AlarmActions"]
    assert "Overloads" not in rollback_alarms(modes["scaled"])


def test_an_unsure_model_is_seen_by_what_it_logs(modes):
    filtered = by_log(modes["scaled"])["MeanConfidence"]["MetricTransformations"][0]
    alarm = rollback_alarms(modes["scaled"])["MeanConfidence"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (
        filtered["MetricNamespace"],
        filtered["MetricName"],
    )
    assert [d["Key"] for d in filtered["Dimensions"]] == list(dimensions(alarm))
    assert dimensions(alarm) == {"ModelPackageArn": {"Ref": "ModelPackageArn"}}
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 0.3)


def test_no_confidence_is_asked_for_where_the_setting_is_0(modes):
    assert set(rollback_alarms(modes["shadowed"])) == {"Invocation5XXErrors", "ModelLatency"}


def test_the_endpoints_role_sees_the_alarms_before_an_update_needs_them(modes):
    resources = modes["scaled"].template("dev", "serving")["Resources"]
    (name,) = [k for k, r in resources.items() if "cloudwatch:DescribeAlarms" in str(r)]
    (statement,) = resources[name]["Properties"]["PolicyDocument"]["Statement"]
    assert len(statement["Resource"]) == 3
    (endpoint,) = [r for r in resources.values() if r["Type"] == "AWS::SageMaker::Endpoint"]
    assert name in endpoint["DependsOn"]


def test_invocations_scale_the_instances_and_an_update_keeps_their_number(modes):
    target = only(modes["scaled"], "ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (4, 8)
    assert target["ScalableDimension"] == "sagemaker:variant:DesiredInstanceCount"
    policy = only(modes["scaled"], "ApplicationAutoScaling::ScalingPolicy")
    tracked = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracked["TargetValue"] == 250
    assert tracked["PredefinedMetricSpecification"] == {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    }
    endpoint = only(modes["scaled"], "SageMaker::Endpoint")
    assert endpoint["RetainAllVariantProperties"] is True
    reset = {p["VariantPropertyType"] for p in endpoint["ExcludeRetainedVariantProperties"]}
    assert reset == {"DesiredWeight", "DataCaptureConfig"}


def test_without_scaling_an_update_brings_the_number_that_is_set(modes):
    assert "RetainAllVariantProperties" not in only(modes["shadowed"], "SageMaker::Endpoint")
    assert not list(modes["shadowed"].resources("AWS::ApplicationAutoScaling::ScalableTarget"))


def test_a_share_of_the_answers_is_kept_and_no_image(modes):
    capture = configuration(modes["scaled"])["DataCaptureConfig"]
    assert capture["InitialSamplingPercentage"] == 20
    assert capture["CaptureOptions"] == [{"CaptureMode": "Output"}]
    assert capture["CaptureContentTypeHeader"] == {"JsonContentTypes": ["application/json"]}
    assert plain_text(capture["DestinationS3Uri"]).endswith("/captured")
    assert endpoint_may(modes["scaled"], "s3:PutObject") == {"captured/*"}
    assert endpoint_may(modes["scaled"], "s3:GetObject") == set()


def test_images_are_kept_where_a_setting_says_so(modes):
    options = configuration(modes["shadowed"])["DataCaptureConfig"]["CaptureOptions"]
    assert [option["CaptureMode"] for option in options] == ["Input", "Output"]


def test_a_shadow_gets_all_requests_on_as_many_instances(modes):
    (production,) = configuration(modes["shadowed"])["ProductionVariants"]
    (shadow,) = configuration(modes["shadowed"])["ShadowProductionVariants"]
    assert shadow["VariantName"] == "Shadow"
    for same in ("InitialInstanceCount", "InstanceType", "InitialVariantWeight"):
        assert shadow[same] == production[same]
    packages = [
        model["PrimaryContainer"]["ModelPackageName"]
        for model in modes["shadowed"].resources("AWS::SageMaker::Model")
    ]
    assert packages == [{"Ref": "ModelPackageArn"}, PACKAGE]


def test_a_serverless_endpoint_has_nothing_that_aws_refuses_it(modes):
    (variant,) = configuration(modes["serverless"])["ProductionVariants"]
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    assert not {"InstanceType", "InitialInstanceCount"} & variant.keys()
    assert (
        not {"KmsKeyId", "DataCaptureConfig", "ShadowProductionVariants"}
        & configuration(modes["serverless"]).keys()
    )
    assert "DeploymentConfig" not in only(modes["serverless"], "SageMaker::Endpoint")
    assert only(modes["serverless"], "SageMaker::Model")["EnableNetworkIsolation"] is False


@pytest.mark.parametrize("mode", ["scaled", "shadowed", "asynchronous"])
def test_a_model_on_instances_has_no_network_and_our_key(modes, mode):
    models = list(modes[mode].resources("AWS::SageMaker::Model"))
    assert all(model["EnableNetworkIsolation"] is True for model in models)
    assert "VolumeKey" in str(configuration(modes[mode])["KmsKeyId"])


def test_asynchronous_requests_and_answers_lie_apart(modes):
    output = configuration(modes["asynchronous"])["AsyncInferenceConfig"]["OutputConfig"]
    assert plain_text(output["S3OutputPath"]).endswith("/asynchronous/answers/")
    assert plain_text(output["S3FailurePath"]).endswith("/asynchronous/failures/")
    assert endpoint_may(modes["asynchronous"], "s3:GetObject") == {"asynchronous/requests/*"}
    assert endpoint_may(modes["asynchronous"], "s3:PutObject") == {
        "asynchronous/answers/*",
        "asynchronous/failures/*",
    }


def test_an_asynchronous_endpoint_scales_to_none_and_its_first_request_starts_one(modes):
    assembly = modes["asynchronous"]
    target = only(assembly, "ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 3)
    backlog, first = assembly.resources("AWS::ApplicationAutoScaling::ScalingPolicy")
    tracked = backlog["TargetTrackingScalingPolicyConfiguration"]["CustomizedMetricSpecification"]
    assert tracked["MetricName"] == "ApproximateBacklogSizePerInstance"
    (step,) = first["StepScalingPolicyConfiguration"]["StepAdjustments"]
    assert step["ScalingAdjustment"] == 1
    resources = assembly.template("dev", "serving")["Resources"]
    (alarm,) = [
        r["Properties"]
        for r in resources.values()
        if r["Properties"].get("MetricName") == "HasBacklogWithoutCapacity"
    ]
    (action,) = alarm["AlarmActions"]
    assert resources[action["Ref"]]["Properties"]["PolicyName"] == "First"


def metric_names(shown):
    return {metric[1] for metric in shown if isinstance(metric[1], str)}


@pytest.mark.parametrize(
    ("mode", "title", "metrics"),
    [
        ("scaled", "How many instances answer?", {"Invocations", "InvocationsPerInstance"}),
        ("serverless", "How many microseconds does a cold start take?", {"ModelSetupTime"}),
        (
            "asynchronous",
            "How many requests wait, and the oldest how many seconds?",
            {"ApproximateBacklogSize", "ApproximateAgeOfOldestRequest"},
        ),
    ],
)
def test_the_dashboard_shows_what_a_mode_scales_by(modes, mode, title, metrics):
    shown = [metric for metric in graphs(modes[mode])[title] if len(metric) > 1]
    assert metric_names(shown) == metrics


def test_people_are_told_of_a_request_that_got_no_answer_later(modes):
    def is_watched(mode):
        resources = modes[mode].template("dev", "operations")["Resources"].values()
        alarms = [r for r in resources if r["Type"] == "AWS::CloudWatch::Alarm"]
        return any("InvocationFailures" in str(alarm) for alarm in alarms)

    assert is_watched("asynchronous")
    assert not is_watched("scaled")


def test_logs_are_encrypted_where_the_environment_says_so(assembly):
    def group(environment):
        (found,) = [
            properties
            for properties in assembly.resources("AWS::Logs::LogGroup", environment)
            if "LogGroupName" in properties
        ]
        return found

    assert "KmsKeyId" not in group("dev")
    assert "KmsKeyId" in group("prod")
    (key,) = [
        key
        for key in assembly.resources("AWS::KMS::Key", "prod")
        if key["Description"] == "Encrypts the logs of the endpoint"
    ]
    allowed = key["KeyPolicy"]["Statement"][-1]
    assert plain_text(allowed["Principal"]["Service"]) == "logs.us-east-1.amazonaws.com"
    context = allowed["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]
    assert plain_text(context).endswith(":log-group:/aws/sagemaker/Endpoints/shardwise-prod")
