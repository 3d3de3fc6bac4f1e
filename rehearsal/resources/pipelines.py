"""Pipelines: definitions with a name.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-pipeline.html
"""

import contextlib
import json
import uuid
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal import aws
from rehearsal.cloudformation import Properties, Provisioned, ResourceType, retag, without
from rehearsal.errors import NotFound, conflict, not_found, validation
from rehearsal.pipelines.validation import validate
from rehearsal.resources.context import Context, Handler, Record
from rehearsal.resources.kind import ResourceKind
from rehearsal.resources.paging import Listing
from rehearsal.service_model import now

KIND = ResourceKind(
    "pipeline",
    "Pipeline",
    Listing("ListPipelines", name="PipelineName"),
    missing="Pipeline '{arn}' does not exist.",
    duplicate=(
        "Pipeline names must be unique within an AWS account and region. Pipeline with name "
        "({name}) already exists."
    ),
    missing_error=not_found,
)
EXECUTION = "pipeline-execution"
RUNNING = frozenset({"Executing", "Stopping"})


class Pipeline(ResourceType):
    """`AWS::SageMaker::Pipeline`. `Ref` gives the name."""

    type_name = "AWS::SageMaker::Pipeline"
    name_property = "PipelineName"
    replacing = ("PipelineName",)

    def create(self, name: str, properties: Properties) -> Provisioned:
        """As `ResourceType.create`."""
        given = _with_definition(properties) | _token(name)
        self._request("CreatePipeline", given | {"PipelineName": name})
        return Provisioned(name, {})

    def update(self, physical_id: str, old: Properties, new: Properties) -> Provisioned:
        """As `ResourceType.update`."""
        given = _with_definition(without(new, "Tags"))
        arn = self._request("UpdatePipeline", given | {"PipelineName": physical_id})["PipelineArn"]
        retag(self._call, arn, old, new)
        return Provisioned(physical_id, {})

    def delete(self, physical_id: str) -> None:
        """As `ResourceType.delete`."""
        with contextlib.suppress(NotFound):
            self._call("DeletePipeline", {"PipelineName": physical_id} | _token(physical_id))


def _with_definition(properties: Properties) -> Properties:
    """The properties, their definition as the API has it."""
    given = properties.get("PipelineDefinition")
    rest = without(properties, "PipelineDefinition")
    if isinstance(given, dict) and "PipelineDefinitionBody" in given:
        body = given["PipelineDefinitionBody"]
        return rest | {"PipelineDefinition": body if isinstance(body, str) else json.dumps(body)}
    if isinstance(given, dict) and "PipelineDefinitionS3Location" in given:
        place = given["PipelineDefinitionS3Location"]
        version = {"VersionId": place["Version"]} if "Version" in place else {}
        location = {"Bucket": place["Bucket"], "ObjectKey": place["Key"]} | version
        return rest | {"PipelineDefinitionS3Location": location}
    raise validation(
        "AWS::SageMaker::Pipeline needs a PipelineDefinition with a PipelineDefinitionBody or a "
        "PipelineDefinitionS3Location."
    )


def _token(name: str) -> dict[str, Any]:
    # A random token says that this is a request of its own.
    return {"ClientRequestToken": f"{uuid.uuid4()}-{name}"[:128]}


def _create_pipeline(context: Context, request: Record) -> Record:
    # Before the transaction, as it may read S3.
    definition = _definition(context, request)
    arn = context.once("CreatePipeline", request, lambda: _create(context, request, definition))
    return {"PipelineArn": arn}


def _create(context: Context, request: Record, definition: str) -> str:
    more: Record = {
        "PipelineDisplayName": request.get("PipelineDisplayName", request["PipelineName"]),
        "PipelineDefinition": definition,
        "PipelineStatus": "Active",
        "CreatedBy": {},
        "LastModifiedBy": {},
    }
    return str(KIND.create(context, request, more)["PipelineArn"])


def _update_pipeline(context: Context, request: Record) -> Record:
    found = KIND.get(context, request["PipelineName"])
    changes: Record = {
        key: request[key]
        for key in (
            "PipelineDisplayName",
            "PipelineDescription",
            "ParallelismConfiguration",
            "RoleArn",
        )
        if key in request
    }
    if "PipelineDefinition" in request or "PipelineDefinitionS3Location" in request:
        changes["PipelineDefinition"] = _definition(context, request)
    changes["LastModifiedTime"] = now()
    KIND.change(context, found.name, lambda _: changes)
    return {"PipelineArn": found.arn}


def _definition(context: Context, request: Record) -> str:
    """The definition's text, validated, wherever it lies."""
    text, place = request.get("PipelineDefinition"), request.get("PipelineDefinitionS3Location")
    if (text is None) == (place is None):
        raise validation("Give either PipelineDefinition or PipelineDefinitionS3Location.")
    body = text if text is not None else _from_s3(context, place or {})
    validate(body)
    return body


def _from_s3(context: Context, place: Record) -> str:
    version = {"VersionId": place["VersionId"]} if "VersionId" in place else {}
    where = f"s3://{place['Bucket']}/{place['ObjectKey']}"
    try:
        answer = aws.client(context.settings, "s3").get_object(
            Bucket=place["Bucket"], Key=place["ObjectKey"], **version
        )
        content: bytes = answer["Body"].read()
        return content.decode("utf-8")
    except (BotoCoreError, ClientError, UnicodeDecodeError) as error:
        raise validation(f"The definition at {where} can't be read: {error}.") from error


def _describe_pipeline(context: Context, request: Record) -> Record:
    if "PipelineVersionId" in request:
        raise validation(
            "The rehearsal keeps no versions of pipelines: leave PipelineVersionId out."
        )
    return KIND.describe(context, request)


def _delete_pipeline(context: Context, request: Record) -> Record:
    with context.store.transaction():
        found = KIND.get(context, request["PipelineName"])
        executions = context.store.all(EXECUTION, found.arn)
        if any(item.record["PipelineExecutionStatus"] in RUNNING for item in executions):
            raise conflict(f"The pipeline {found.arn} has running executions: stop them first.")
        context.store.delete(KIND.kind, found.name)
    return {"PipelineArn": found.arn}


def _list_pipelines(context: Context, request: Record) -> Record:
    return KIND.listing.answer(
        request,
        KIND.all(context),
        lambda item: item.record | {"LastExecutionTime": item.record.get("LastRunTime")},
    )


OPERATIONS: dict[str, Handler] = {
    "CreatePipeline": _create_pipeline,
    "UpdatePipeline": _update_pipeline,
    "DescribePipeline": _describe_pipeline,
    "DeletePipeline": _delete_pipeline,
    "ListPipelines": _list_pipelines,
}
