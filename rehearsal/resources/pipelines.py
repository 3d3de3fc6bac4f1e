"""Pipelines: definitions with a name."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal import aws, service_model
from rehearsal.errors import conflict, not_found, validation
from rehearsal.pipelines.definition import validate
from rehearsal.resources.context import Context, Handler, New, Record
from rehearsal.resources.paging import Listing
from rehearsal.service_model import now
from rehearsal.store import Resource

KIND = "pipeline"
EXECUTION = "pipeline-execution"
RUNNING = frozenset({"Executing", "Stopping"})
_LISTING = Listing(
    output="PipelineSummaries",
    summary="PipelineSummary",
    name="PipelineName",
)


def create_pipeline(context: Context, request: Record) -> Record:
    # Before the transaction, as it may read S3.
    definition = _definition(context, request)
    arn = context.once("CreatePipeline", request, lambda: _create(context, request, definition))
    return {"PipelineArn": arn}


def _create(context: Context, request: Record, definition: str) -> str:
    name = request["PipelineName"]
    arn = context.arn(f"{KIND}/{name}")
    time = now()
    record: Record = {
        "PipelineArn": arn,
        "PipelineName": name,
        "PipelineDisplayName": request.get("PipelineDisplayName", name),
        "PipelineDescription": request.get("PipelineDescription"),
        "PipelineDefinition": definition,
        "ParallelismConfiguration": request.get("ParallelismConfiguration"),
        "RoleArn": request["RoleArn"],
        "PipelineStatus": "Active",
        "CreationTime": time,
        "LastModifiedTime": time,
        "CreatedBy": {},
        "LastModifiedBy": {},
    }
    context.add(
        New(KIND, name, arn, record),
        tags=request.get("Tags"),
        duplicate=validation(
            "Pipeline names must be unique within an AWS account and region. Pipeline with name "
            f"({name}) already exists."
        ),
    )
    return arn


def update_pipeline(context: Context, request: Record) -> Record:
    found = get(context, request["PipelineName"])
    absent = not_found(f"Pipeline '{found.arn}' does not exist.")
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
    if context.store.change(KIND, found.name, lambda _: changes) is None:
        raise absent
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


def get(context: Context, name_or_arn: str) -> Resource:
    """The pipeline of a name or ARN.

    Raises:
        ApiError: ResourceNotFound, there is none.
    """
    arn = name_or_arn if name_or_arn.startswith("arn:") else context.arn(f"{KIND}/{name_or_arn}")
    return context.get(KIND, arn, not_found(f"Pipeline '{arn}' does not exist."))


def describe_pipeline(context: Context, request: Record) -> Record:
    if "PipelineVersionId" in request:
        raise validation(
            "The rehearsal keeps no versions of pipelines: leave PipelineVersionId out."
        )
    return service_model.project(
        "DescribePipelineResponse", get(context, request["PipelineName"]).record
    )


def delete_pipeline(context: Context, request: Record) -> Record:
    with context.store.transaction():
        found = get(context, request["PipelineName"])
        executions = context.store.all(EXECUTION, found.arn)
        if any(item.record["PipelineExecutionStatus"] in RUNNING for item in executions):
            raise conflict(f"The pipeline {found.arn} has running executions: stop them first.")
        for execution in executions:
            context.store.delete(EXECUTION, execution.name)
        context.store.delete(KIND, found.name)
    return {"PipelineArn": found.arn}


def list_pipelines(context: Context, request: Record) -> Record:
    return _LISTING.answer(
        request,
        context.store.all(KIND),
        lambda item: item.record | {"LastExecutionTime": item.record.get("LastRunTime")},
    )


OPERATIONS: dict[str, Handler] = {
    "CreatePipeline": create_pipeline,
    "UpdatePipeline": update_pipeline,
    "DescribePipeline": describe_pipeline,
    "DeletePipeline": delete_pipeline,
    "ListPipelines": list_pipelines,
}
