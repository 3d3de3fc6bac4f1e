"""https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-modelpackagegroup.html"""

from __future__ import annotations

import contextlib
import json

from rehearsal.cloudformation.properties import request, retag, without
from rehearsal.cloudformation.resource import Properties, Provisioned, ResourceType
from rehearsal.errors import NotFound

_POLICY = "ModelPackageGroupPolicy"


class ModelPackageGroup(ResourceType):
    """`Ref` gives the ARN."""

    type_name = "AWS::SageMaker::ModelPackageGroup"
    name_property = "ModelPackageGroupName"
    replacing = ("ModelPackageGroupName", "ModelPackageGroupDescription")

    def create(self, name: str, properties: Properties) -> Provisioned:
        named = without(properties, self.name_property, _POLICY) | {self.name_property: name}
        self._call(
            "CreateModelPackageGroup", request("CreateModelPackageGroup", self.type_name, named)
        )
        self._put_policy(name, properties)
        return self._described(name)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Provisioned:
        retag(self._call, physical_id, old, new)
        if old.get(_POLICY) != new.get(_POLICY):
            self._put_policy(physical_id, new)
        return self._described(physical_id)

    def delete(self, physical_id: str) -> None:
        with contextlib.suppress(NotFound):
            self._call("DeleteModelPackageGroup", {self.name_property: physical_id})

    def _put_policy(self, name_or_arn: str, properties: Properties) -> None:
        named = {self.name_property: name_or_arn.rpartition("/")[2]}
        if policy := properties.get(_POLICY):
            text = json.dumps(policy)
            self._call("PutModelPackageGroupPolicy", named | {"ResourcePolicy": text})
        else:
            self._call("DeleteModelPackageGroupPolicy", named)

    def _described(self, name_or_arn: str) -> Provisioned:
        group = self._call("DescribeModelPackageGroup", {self.name_property: name_or_arn})
        arn = group["ModelPackageGroupArn"]
        return Provisioned(
            arn,
            {
                "ModelPackageGroupArn": arn,
                "ModelPackageGroupStatus": group["ModelPackageGroupStatus"],
                "CreationTime": group["CreationTime"].isoformat(),
            },
        )
