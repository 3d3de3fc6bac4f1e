"""Instances that come and go by what the metrics say."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.rehearsal.conftest import eventually

TRACKING = {
    "TargetValue": 100.0,
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    },
    "ScaleOutCooldown": 0,
    "ScaleInCooldown": 0,
}


@pytest.fixture
def count(sagemaker, name):
    def of_now():
        (variant,) = sagemaker.describe_endpoint(EndpointName=name)["ProductionVariants"]
        return variant["CurrentInstanceCount"]

    return of_now


@pytest.fixture
def put(server, name):
    """Puts one value a minute, for the last so many minutes."""

    def values(metric, value, minutes):
        dimensions = [{"Name": "EndpointName", "Value": name}]
        if metric == "InvocationsPerInstance":
            dimensions.append({"Name": "VariantName", "Value": "all"})
        now = datetime.now(UTC)
        data = [
            {
                "MetricName": metric,
                "Dimensions": dimensions,
                "Value": value,
                "Timestamp": now - timedelta(minutes=ago),
            }
            for ago in range(minutes)
        ]
        server.client("cloudwatch").put_metric_data(Namespace="AWS/SageMaker", MetricData=data)

    return values


@pytest.fixture
def track(scaling, target):
    def policy(**more):
        variant = target(**more)
        scaling.put_scaling_policy(
            **variant,
            PolicyName="track",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=TRACKING,
        )
        return variant

    return policy


def activities(scaling, variant):
    asked = {"ServiceNamespace": "sagemaker", "ResourceId": variant["ResourceId"]}
    return scaling.describe_scaling_activities(**asked)["ScalingActivities"]


def test_more_invocations_bring_as_many_instances_as_they_need(scaling, track, put, count):
    variant = track()
    put("InvocationsPerInstance", 230.0, minutes=4)
    eventually(lambda: count() == 3)

    def ended():
        found = activities(scaling, variant)
        return found if found[-1]["StatusCode"] == "Successful" else None

    first = eventually(ended)[-1]
    assert first["Description"] == "Setting desired instance count to 3."
    assert "AlarmHigh" in first["Cause"]


def test_no_more_come_than_the_target_allows(track, put, count):
    track(MaxCapacity=2)
    put("InvocationsPerInstance", 900.0, minutes=4)
    eventually(lambda: count() == 2)


class TestWithThreeInstances:
    @pytest.fixture
    def instances(self):
        return 3

    def test_they_go_when_they_have_little_to_do(self, track, put, count):
        track()
        put("InvocationsPerInstance", 50.0, minutes=17)
        eventually(lambda: count() == 2)


@pytest.fixture
def step(scaling, target):
    """A policy of one more instance."""
    return scaling.put_scaling_policy(
        **target(),
        PolicyName="first",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
            "Cooldown": 300,
        },
    )["PolicyARN"]


def test_an_alarm_of_ones_own_starts_a_step(step, server, put, count, name):
    server.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="HasBacklogWithoutCapacity",
        Dimensions=[{"Name": "EndpointName", "Value": name}],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=2,
        Threshold=1.0,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        AlarmActions=[step],
    )
    put("HasBacklogWithoutCapacity", 1.0, minutes=3)
    eventually(lambda: count() == 2)


def test_alarms_on_expressions_and_percentiles_start_steps_too(step, server, put, count, name):
    """The first would once have ended the scaler: it has neither a namespace nor a metric."""
    cloudwatch = server.client("cloudwatch")
    metric = {
        "Namespace": "AWS/SageMaker",
        "MetricName": "HasBacklogWithoutCapacity",
        "Dimensions": [{"Name": "EndpointName", "Value": name}],
    }
    rule = {
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "AlarmActions": [step],
    }
    stat = {"Metric": metric, "Period": 60, "Stat": "Average"}
    cloudwatch.put_metric_alarm(
        AlarmName=f"{name}-math",
        Metrics=[
            {"Id": "m", "MetricStat": stat, "ReturnData": False},
            {"Id": "e", "Expression": "m * 2", "ReturnData": True},
        ],
        **rule,
    )
    put("HasBacklogWithoutCapacity", 1.0, minutes=3)
    eventually(lambda: count() == 2)
    cloudwatch.put_metric_alarm(
        AlarmName=f"{name}-p90", ExtendedStatistic="p90", Period=60, **metric, **rule
    )
    described = cloudwatch.describe_alarms
    alarms = [f"{name}-math", f"{name}-p90"]
    eventually(
        lambda: (
            {each["StateValue"] for each in described(AlarmNames=alarms)["MetricAlarms"]}
            == {"ALARM"}
        )
    )


def test_a_policy_that_cannot_be_followed_holds_no_other_up(step, server, put, count, name):
    """An alarm with an action of a policy whose endpoint is gone, before that of this one."""
    sagemaker, scaling = server.client("sagemaker"), server.client("application-autoscaling")
    gone = f"{name}-gone"
    variant = {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ResourceId": f"endpoint/{gone}/variant/all",
    }
    sagemaker.create_endpoint(EndpointName=gone, EndpointConfigName=name)
    described = sagemaker.describe_endpoint
    eventually(lambda: described(EndpointName=gone)["EndpointStatus"] == "InService")
    scaling.register_scalable_target(**variant, MinCapacity=1, MaxCapacity=4)
    broken = scaling.put_scaling_policy(
        **variant,
        PolicyName="broken",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
        },
    )["PolicyARN"]
    sagemaker.delete_endpoint(EndpointName=gone)
    server.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="HasBacklogWithoutCapacity",
        Dimensions=[{"Name": "EndpointName", "Value": name}],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        AlarmActions=[broken, step],
    )
    put("HasBacklogWithoutCapacity", 1.0, minutes=2)
    eventually(lambda: count() == 2)
