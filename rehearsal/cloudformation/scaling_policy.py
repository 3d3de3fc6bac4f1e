"""https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-applicationautoscaling-scalingpolicy.html"""

from __future__ import annotations

from rehearsal.autoscaling.api import operation
from rehearsal.cloudformation.properties import request_of, without
from rehearsal.cloudformation.resource import Properties, Provisioned, ResourceType

_PUT = "PutScalingPolicy"
_TARGET_KEYS = ("ResourceId", "ScalableDimension", "ServiceNamespace")


class ScalingPolicy(ResourceType):
    """`Ref` gives the ARN."""

    type_name = "AWS::ApplicationAutoScaling::ScalingPolicy"
    name_property = "PolicyName"
    replacing = ("PolicyName", "ScalingTargetId", *_TARGET_KEYS)
    service = "ApplicationAutoScaling"
    takes_tags = False

    def create(self, name: str, properties: Properties) -> Provisioned:
        return self._put(properties | {"PolicyName": name})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Provisioned:
        return self._put(new | {"PolicyName": physical_id.rpartition("policyName/")[2]})

    def _put(self, properties: Properties) -> Provisioned:
        named = without(properties, "ScalingTargetId")
        if target := properties.get("ScalingTargetId"):
            named |= dict(zip(_TARGET_KEYS, target.split("|"), strict=True))
        arn = self._call(_PUT, request_of(operation(_PUT), self.type_name, named))["PolicyARN"]
        return Provisioned(arn, {"Arn": arn})

    def delete(self, physical_id: str) -> None:
        for policy in self._call("DescribeScalingPolicies", {"ServiceNamespace": "sagemaker"})[
            "ScalingPolicies"
        ]:
            if policy["PolicyARN"] == physical_id:
                keys = ("PolicyName", *_TARGET_KEYS)
                self._call("DeleteScalingPolicy", {key: policy[key] for key in keys})
