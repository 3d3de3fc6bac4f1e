"""https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-pipeline.html"""

from __future__ import annotations

import json
import uuid
from typing import Any

from rehearsal.cloudformation.properties import request, retag, without
from rehearsal.cloudformation.resource import Properties, Provisioned, ResourceType
from rehearsal.errors import ApiError, validation


class Pipeline(ResourceType):
    """`Ref` gives the name."""

    type_name = "AWS::SageMaker::Pipeline"
    name_property = "PipelineName"
    replacing = ("PipelineName",)

    def create(self, name: str, properties: Properties) -> Provisioned:
        asked = self._request("CreatePipeline", name, properties)
        self._call("CreatePipeline", asked | {"ClientRequestToken": _token(name)})
        return Provisioned(name, {})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Provisioned:
        asked = self._request("UpdatePipeline", physical_id, without(new, "Tags"))
        arn = self._call("UpdatePipeline", asked)["PipelineArn"]
        retag(self._call, arn, old, new)
        return Provisioned(physical_id, {})

    def delete(self, physical_id: str) -> None:
        try:
            self._call(
                "DeletePipeline",
                {"PipelineName": physical_id, "ClientRequestToken": _token(physical_id)},
            )
        except ApiError as error:
            if error.code != "ResourceNotFound":
                raise

    def _request(self, operation: str, name: str, properties: Properties) -> dict[str, Any]:
        definition = _definition(properties.get("PipelineDefinition"))
        rest = without(properties, "PipelineDefinition", "PipelineName")
        return request(operation, self.type_name, rest | definition | {"PipelineName": name})


def _definition(given: Any) -> dict[str, Any]:
    if isinstance(given, dict) and "PipelineDefinitionBody" in given:
        body = given["PipelineDefinitionBody"]
        return {"PipelineDefinition": body if isinstance(body, str) else json.dumps(body)}
    if isinstance(given, dict) and "PipelineDefinitionS3Location" in given:
        place = given["PipelineDefinitionS3Location"]
        version = {"VersionId": place["Version"]} if "Version" in place else {}
        location = {"Bucket": place["Bucket"], "ObjectKey": place["Key"]} | version
        return {"PipelineDefinitionS3Location": location}
    raise validation(
        "AWS::SageMaker::Pipeline needs a PipelineDefinition with a PipelineDefinitionBody or a "
        "PipelineDefinitionS3Location."
    )


def _token(name: str) -> str:
    # A random token says that this is a request of its own.
    return f"{uuid.uuid4()}-{name}"[:128]
