"""https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-applicationautoscaling-scalabletarget.html"""

from __future__ import annotations

from rehearsal.autoscaling.api import operation, target_name
from rehearsal.cloudformation.properties import request_of, without
from rehearsal.cloudformation.resource import Properties, Provisioned, ResourceType
from rehearsal.errors import ApiError

_REGISTER = "RegisterScalableTarget"


class ScalableTarget(ResourceType):
    """`Ref` gives resource, dimension and namespace, with bars between."""

    type_name = "AWS::ApplicationAutoScaling::ScalableTarget"
    name_property = "ResourceId"
    replacing = ("ResourceId", "ScalableDimension", "ServiceNamespace")
    service = "ApplicationAutoScaling"
    takes_tags = False

    def create(self, name: str, properties: Properties) -> Provisioned:
        tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
        self._register(properties | ({"Tags": tags} if tags else {}))
        made = target_name(properties)
        return Provisioned(made, {"Id": made})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Provisioned:
        # The API takes tags of a new target only.
        self._register(without(new, "Tags"))
        return Provisioned(physical_id, {"Id": physical_id})

    def _register(self, properties: Properties) -> None:
        self._call(_REGISTER, request_of(operation(_REGISTER), self.type_name, properties))

    def delete(self, physical_id: str) -> None:
        keys = ("ResourceId", "ScalableDimension", "ServiceNamespace")
        try:
            self._call(
                "DeregisterScalableTarget", dict(zip(keys, physical_id.split("|"), strict=True))
            )
        except ApiError as error:
            if error.code != "ObjectNotFoundException":
                raise
