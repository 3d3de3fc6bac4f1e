"""https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-model.html"""

from __future__ import annotations

import contextlib

from rehearsal.cloudformation.properties import request, retag, without
from rehearsal.cloudformation.resource import Properties, Provisioned, ResourceType
from rehearsal.errors import NotFound


class Model(ResourceType):
    """`Ref` gives the ARN."""

    type_name = "AWS::SageMaker::Model"
    name_property = "ModelName"
    replacing = (
        "ModelName",
        "Containers",
        "EnableNetworkIsolation",
        "ExecutionRoleArn",
        "InferenceExecutionConfig",
        "PrimaryContainer",
        "VpcConfig",
    )

    def create(self, name: str, properties: Properties) -> Provisioned:
        named = without(properties, self.name_property) | {self.name_property: name}
        arn = self._call("CreateModel", request("CreateModel", self.type_name, named))["ModelArn"]
        return _provisioned(arn)

    def update(self, physical_id: str, old: Properties, new: Properties) -> Provisioned:
        retag(self._call, physical_id, old, new)
        return _provisioned(physical_id)

    def delete(self, physical_id: str) -> None:
        with contextlib.suppress(NotFound):
            self._call("DeleteModel", {"ModelName": physical_id.rpartition("/")[2]})


def _provisioned(arn: str) -> Provisioned:
    return Provisioned(arn, {"ModelName": arn.rpartition("/")[2], "ModelArn": arn})
