"""Scalable targets and policies, by boto3 and by CloudFormation."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.conftest import eventually

TRACKING = {
    "TargetValue": 100.0,
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    },
    "ScaleOutCooldown": 0,
    "ScaleInCooldown": 0,
}


def test_a_target_is_registered_changed_and_described(scaling, target):
    variant = target()
    scaling.register_scalable_target(**variant, MaxCapacity=7)
    (found,) = scaling.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[variant["ResourceId"]]
    )["ScalableTargets"]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (1, 7)
    assert found["RoleARN"].endswith("AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"ResourceId": "endpoint/none/variant/all"}, "Could not find endpoint"),
        ({"ResourceId": "table/mine"}, "The rehearsal scales"),
        ({"MinCapacity": 5}, "above its MaxCapacity"),
        ({"ScalableDimension": "sagemaker:variant:Sideways"}, "enum value set"),
    ],
)
def test_a_target_that_cannot_be_is_refused(scaling, endpoint, change, sentence):
    wanted = endpoint | {"MinCapacity": 1, "MaxCapacity": 4} | change
    with pytest.raises(ClientError, match=sentence):
        scaling.register_scalable_target(**wanted)


def test_a_tracking_policy_makes_aws_two_alarms_and_takes_them_with_it(server, scaling, target):
    variant = target()
    policy = scaling.put_scaling_policy(
        **variant,
        PolicyName="track",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=TRACKING,
    )
    names = [alarm["AlarmName"] for alarm in policy["Alarms"]]
    cloudwatch = server.client("cloudwatch")
    alarms = cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]
    shown = {(a["Threshold"], a["EvaluationPeriods"], a["MetricName"]) for a in alarms}
    assert shown == {(100.0, 3, "InvocationsPerInstance"), (90.0, 15, "InvocationsPerInstance")}
    assert all(alarm["AlarmActions"] == [policy["PolicyARN"]] for alarm in alarms)

    scaling.deregister_scalable_target(**variant)
    assert not cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]
    with pytest.raises(scaling.exceptions.ObjectNotFoundException):
        scaling.delete_scaling_policy(**variant, PolicyName="track")


def test_a_policy_without_its_target_is_refused(scaling, endpoint):
    with pytest.raises(scaling.exceptions.ObjectNotFoundException):
        scaling.put_scaling_policy(**endpoint, PolicyName="step", PolicyType="StepScaling")


def test_a_stack_makes_changes_and_deletes_target_and_policies(server, scaling, endpoint, name):
    target = endpoint | {"MinCapacity": 1, "MaxCapacity": 4}
    steps = [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]
    policies = {
        "Track": {
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": TRACKING,
        },
        "Step": {
            "PolicyType": "StepScaling",
            "StepScalingPolicyConfiguration": {
                "AdjustmentType": "ChangeInCapacity",
                "StepAdjustments": steps,
            },
        },
    }

    def template(maximum):
        kind = "AWS::ApplicationAutoScaling::"
        resources = {
            "Target": {
                "Type": f"{kind}ScalableTarget",
                "Properties": target
                | {"MaxCapacity": maximum, "Tags": [{"Key": "Project", "Value": "tests"}]},
            }
        }
        for key, policy in policies.items():
            named = {"PolicyName": key, "ScalingTargetId": {"Ref": "Target"}}
            resources[key] = {"Type": f"{kind}ScalingPolicy", "Properties": policy | named}
        return json.dumps({"Resources": resources})

    cloudformation = server.client("cloudformation")

    def settled():
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        status = stack["StackStatus"]
        return status if not status.endswith("IN_PROGRESS") else None

    # A template's parameters are text.
    cloudformation.create_stack(StackName=name, TemplateBody=template("4"))
    assert eventually(settled) == "CREATE_COMPLETE"
    found = scaling.describe_scaling_policies(
        ServiceNamespace="sagemaker", ResourceId=endpoint["ResourceId"]
    )["ScalingPolicies"]
    assert sorted(policy["PolicyName"] for policy in found) == ["Step", "Track"]

    cloudformation.update_stack(StackName=name, TemplateBody=template("5"))
    assert eventually(settled) == "UPDATE_COMPLETE"
    described = scaling.describe_scalable_targets
    asked = {"ServiceNamespace": "sagemaker", "ResourceIds": [endpoint["ResourceId"]]}
    assert described(**asked)["ScalableTargets"][0]["MaxCapacity"] == 5

    cloudformation.delete_stack(StackName=name)
    eventually(lambda: not described(**asked)["ScalableTargets"])
