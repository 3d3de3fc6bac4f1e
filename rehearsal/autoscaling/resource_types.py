"""Application Auto Scaling's CloudFormation types:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ApplicationAutoScaling.html
"""

import contextlib

from rehearsal.autoscaling.api import target_name
from rehearsal.cloudformation import Properties, Provisioned, ResourceType, without
from rehearsal.errors import NotFound

_TARGET_KEYS = ("ResourceId", "ScalableDimension", "ServiceNamespace")


class _ScalingType(ResourceType):
    service = "ApplicationAutoScaling"
    service_name = "application-autoscaling"
    takes_tags = False


class ScalableTarget(_ScalingType):
    """`Ref` gives resource, dimension and namespace, with bars between."""

    type_name = "AWS::ApplicationAutoScaling::ScalableTarget"
    name_property = "ResourceId"
    replacing = _TARGET_KEYS

    def create(self, name: str, properties: Properties) -> Provisioned:
        """As `ResourceType.create`."""
        tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
        self._request("RegisterScalableTarget", properties | ({"Tags": tags} if tags else {}))
        physical_id = target_name(properties)
        return Provisioned(physical_id, {"Id": physical_id})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Provisioned:
        """As `ResourceType.update`."""
        # The API takes tags of a new target only.
        self._request("RegisterScalableTarget", without(new, "Tags"))
        return Provisioned(physical_id, {"Id": physical_id})

    def delete(self, physical_id: str) -> None:
        """As `ResourceType.delete`."""
        target = dict(zip(_TARGET_KEYS, physical_id.split("|"), strict=True))
        with contextlib.suppress(NotFound):
            self._call("DeregisterScalableTarget", target)


class ScalingPolicy(_ScalingType):
    """`Ref` gives the ARN."""

    type_name = "AWS::ApplicationAutoScaling::ScalingPolicy"
    name_property = "PolicyName"
    replacing = ("PolicyName", "ScalingTargetId", *_TARGET_KEYS)

    def create(self, name: str, properties: Properties) -> Provisioned:
        """As `ResourceType.create`."""
        return self._put(properties | {"PolicyName": name})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Provisioned:
        """As `ResourceType.update`."""
        return self._put(new | {"PolicyName": physical_id.rpartition("policyName/")[2]})

    def _put(self, properties: Properties) -> Provisioned:
        named = without(properties, "ScalingTargetId")
        if target := properties.get("ScalingTargetId"):
            named |= dict(zip(_TARGET_KEYS, target.split("|"), strict=True))
        arn = self._request("PutScalingPolicy", named)["PolicyARN"]
        return Provisioned(arn, {"Arn": arn})

    def delete(self, physical_id: str) -> None:
        """As `ResourceType.delete`."""
        policies = self._call("DescribeScalingPolicies", {"ServiceNamespace": "sagemaker"})
        for policy in policies["ScalingPolicies"]:
            if policy["PolicyARN"] == physical_id:
                keys = ("PolicyName", *_TARGET_KEYS)
                self._call("DeleteScalingPolicy", {key: policy[key] for key in keys})
