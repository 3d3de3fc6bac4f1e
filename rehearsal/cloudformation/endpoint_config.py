"""https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-endpointconfig.html"""

from __future__ import annotations

import contextlib

from rehearsal.cloudformation.properties import request, retag, without
from rehearsal.cloudformation.resource import Properties, Provisioned, ResourceType
from rehearsal.errors import NotFound


class EndpointConfig(ResourceType):
    """`Ref` gives the ARN."""

    type_name = "AWS::SageMaker::EndpointConfig"
    name_property = "EndpointConfigName"
    replacing = (
        "EndpointConfigName",
        "AsyncInferenceConfig",
        "DataCaptureConfig",
        "EnableNetworkIsolation",
        "ExecutionRoleArn",
        "ExplainerConfig",
        "KmsKeyId",
        "MetricsConfig",
        "ProductionVariants",
        "ShadowProductionVariants",
        "VpcConfig",
    )

    def create(self, name: str, properties: Properties) -> Provisioned:
        named = without(properties, self.name_property) | {self.name_property: name}
        asked = request("CreateEndpointConfig", self.type_name, named)
        return _provisioned(self._call("CreateEndpointConfig", asked)["EndpointConfigArn"])

    def update(self, physical_id: str, old: Properties, new: Properties) -> Provisioned:
        retag(self._call, physical_id, old, new)
        return _provisioned(physical_id)

    def delete(self, physical_id: str) -> None:
        name = physical_id.rpartition("/")[2]
        with contextlib.suppress(NotFound):
            self._call("DeleteEndpointConfig", {"EndpointConfigName": name})


def _provisioned(arn: str) -> Provisioned:
    name = arn.rpartition("/")[2]
    return Provisioned(arn, {"EndpointConfigName": name, "EndpointConfigArn": arn})
