"""Executions of pipelines."""

import secrets
import string

from rehearsal.errors import conflict, not_found, validation
from rehearsal.events import iso_time
from rehearsal.pipelines import definition
from rehearsal.resources import pipeline_steps, pipelines
from rehearsal.resources.context import Context, Handler, Record
from rehearsal.resources.kind import ResourceKind
from rehearsal.resources.paging import Listing, numbered_page
from rehearsal.service_model import now
from rehearsal.store import Resource

KIND = ResourceKind(
    pipelines.EXECUTION,
    "PipelineExecution",
    Listing(
        "ListPipelineExecutions",
        name="PipelineExecutionDisplayName",
        status="PipelineExecutionStatus",
    ),
    missing="Pipeline execution with ARN {arn} does not exist.",
    duplicate="{arn} exists.",
    missing_error=not_found,
    duplicate_error=conflict,
    key="Arn",
)
RUNNING = pipelines.RUNNING
_ENDED = frozenset({"Succeeded", "Failed", "Stopped"})
_RETRIED = frozenset({"Failed", "Stopped"})
_LETTERS = string.ascii_lowercase + string.digits


def _start_pipeline_execution(context: Context, request: Record) -> Record:
    for member in ("PipelineVersionId", "MlflowExperimentName", "SelectiveExecutionConfig"):
        if member in request:
            raise validation(f"The rehearsal has no {member}: leave it out.")
    return {
        "PipelineExecutionArn": context.once(
            "StartPipelineExecution", request, lambda: _start(context, request)
        )
    }


def _start(context: Context, request: Record) -> str:
    pipeline = pipelines.KIND.get(context, request["PipelineName"])
    body = pipeline.record["PipelineDefinition"]
    given: list[dict[str, str]] = request.get("PipelineParameters", [])
    values = _values(body, given)
    time = now()
    # 12 letters and digits, as AWS's.
    name = "".join(secrets.choice(_LETTERS) for _ in range(12))
    arn = f"{pipeline.arn}/execution/{name}"
    parallelism = request.get(
        "ParallelismConfiguration", pipeline.record.get("ParallelismConfiguration")
    )
    record: Record = {
        "PipelineArn": pipeline.arn,
        "PipelineExecutionArn": arn,
        "PipelineExecutionDisplayName": request.get(
            "PipelineExecutionDisplayName", f"execution-{int(time.timestamp() * 1000)}"
        ),
        "PipelineExecutionDescription": request.get("PipelineExecutionDescription"),
        "PipelineExecutionStatus": "Executing",
        "ParallelismConfiguration": parallelism,
        "SelectiveExecutionConfig": request.get("SelectiveExecutionConfig"),
        "CreationTime": time,
        "LastModifiedTime": time,
        "CreatedBy": {},
        "LastModifiedBy": {},
        "_Definition": body,
        "_Parameters": values,
    }
    KIND.add(context, arn, record, parent=pipeline.arn)
    pipelines.KIND.change(context, pipeline.name, lambda _: {"LastRunTime": time})
    _send_event(context, record, None)
    context.pipelines.start(_for_engine(record, pipeline, given), body)
    return arn


def _for_engine(record: Record, pipeline: Resource, given: list[dict[str, str]]) -> Record:
    execution = {
        key: value for key, value in record.items() if value is not None and not key.startswith("_")
    }
    return execution | {
        "PipelineName": pipeline.name,
        "RoleArn": pipeline.record["RoleArn"],
        "StartTime": record["CreationTime"],
        "PipelineParameters": given,
    }


def _values(body: str, given: list[dict[str, str]]) -> list[dict[str, str]]:
    """All parameters' values, those by default too.

    Raises:
        ApiError: one is unknown, missing or of another type.
    """
    names = [parameter["Name"] for parameter in given]
    for name in names:
        if names.count(name) > 1:
            raise validation(f"The parameter '{name}' is given more than once.")
    resolved = definition.resolve(definition.parse(body), given)
    return [
        {"Name": name, "Value": str(value).lower() if isinstance(value, bool) else str(value)}
        for name, value in resolved.items()
    ]


def _stop_pipeline_execution(context: Context, request: Record) -> Record:
    with context.store.transaction():
        found = KIND.get(context, request["PipelineExecutionArn"])
        status = found.record["PipelineExecutionStatus"]
        if status not in RUNNING:
            raise conflict(f"The execution {found.arn} is {status} and can't be stopped.")
        if status == "Executing":
            change_execution(context, found.arn, {"PipelineExecutionStatus": "Stopping"})
    # Its engine knows it, as it is started in the transaction that made it.
    context.pipelines.stop(found.arn)
    return {"PipelineExecutionArn": found.arn}


def _retry_pipeline_execution(context: Context, request: Record) -> Record:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RetryPipelineExecution.html"""
    return {
        "PipelineExecutionArn": context.once(
            "RetryPipelineExecution", request, lambda: _retry(context, request)
        )
    }


def _retry(context: Context, request: Record) -> str:
    found = KIND.get(context, request["PipelineExecutionArn"])
    status = found.record["PipelineExecutionStatus"]
    if status not in _RETRIED:
        raise conflict(
            f"The execution {found.arn} is {status} and can't be retried: wait until it is Failed "
            "or Stopped, or start another."
        )
    changes: Record = {"PipelineExecutionStatus": "Executing", "FailureReason": None}
    if "ParallelismConfiguration" in request:
        changes["ParallelismConfiguration"] = request["ParallelismConfiguration"]
    steps = pipeline_steps.with_properties(context, found.arn)
    change_execution(context, found.arn, changes)
    pipeline = pipelines.KIND.get(context, found.parent)
    record = found.record | changes
    execution = _for_engine(record, pipeline, record["_Parameters"])
    context.pipelines.start(execution, record["_Definition"], steps)
    return found.arn


def change_execution(context: Context, arn: str, fields: Record) -> None:
    """`rehearsal.backends.ExecutionReports.change_execution`."""
    with context.store.transaction():
        changed = context.store.change(
            KIND.kind, arn, lambda _: fields | {"LastModifiedTime": now()}
        )
        if changed is None:
            return
        before, after = changed
        previous = before["PipelineExecutionStatus"]
        if previous != after["PipelineExecutionStatus"]:
            _send_event(context, after, previous)


def _send_event(context: Context, record: Record, previous: str | None) -> None:
    context.store.afterwards(lambda: context.execution_metrics.execution(record, previous))
    status = record["PipelineExecutionStatus"]
    ended = record.get("LastModifiedTime") if status in _ENDED else None
    detail = {
        "pipelineExecutionDisplayName": record.get("PipelineExecutionDisplayName"),
        "pipelineExecutionDescription": record.get("PipelineExecutionDescription"),
        "currentPipelineExecutionStatus": status,
        "previousPipelineExecutionStatus": previous,
        "executionStartTime": iso_time(record["CreationTime"]),
        "executionEndTime": iso_time(ended),
        "pipelineArn": record["PipelineArn"],
        "pipelineExecutionArn": record["PipelineExecutionArn"],
    }
    context.events.send(
        "SageMaker Model Building Pipeline Execution Status Change",
        detail,
        [record["PipelineArn"], record["PipelineExecutionArn"]],
    )


def _update_pipeline_execution(context: Context, request: Record) -> Record:
    found = KIND.get(context, request["PipelineExecutionArn"])
    changes = {key: value for key, value in request.items() if key != "PipelineExecutionArn"}
    change_execution(context, found.arn, changes)
    return {"PipelineExecutionArn": found.arn}


def _list_pipeline_executions(context: Context, request: Record) -> Record:
    pipeline = pipelines.KIND.get(context, request["PipelineName"])
    return KIND.listing.answer(request, KIND.all(context, pipeline.arn), _summary)


def _summary(execution: Resource) -> Record:
    return execution.record | {
        "StartTime": execution.record["CreationTime"],
        "PipelineExecutionFailureReason": execution.record.get("FailureReason"),
    }


def _list_pipeline_execution_steps(context: Context, request: Record) -> Record:
    if "PipelineExecutionArn" not in request:
        raise validation("Give PipelineExecutionArn.")
    arn = KIND.get(context, request["PipelineExecutionArn"]).arn
    return pipeline_steps.list_steps(context, arn, request)


def _list_pipeline_parameters_for_execution(context: Context, request: Record) -> Record:
    found = KIND.get(context, request["PipelineExecutionArn"])
    return numbered_page(request, enumerate(found.record["_Parameters"]), "PipelineParameters")


def _describe_pipeline_definition_for_execution(context: Context, request: Record) -> Record:
    record = KIND.get(context, request["PipelineExecutionArn"]).record
    return {"PipelineDefinition": record["_Definition"], "CreationTime": record["CreationTime"]}


OPERATIONS: dict[str, Handler] = {
    "StartPipelineExecution": _start_pipeline_execution,
    "StopPipelineExecution": _stop_pipeline_execution,
    "RetryPipelineExecution": _retry_pipeline_execution,
    "DescribePipelineExecution": KIND.describe,
    "UpdatePipelineExecution": _update_pipeline_execution,
    "ListPipelineExecutions": _list_pipeline_executions,
    "ListPipelineExecutionSteps": _list_pipeline_execution_steps,
    "ListPipelineParametersForExecution": _list_pipeline_parameters_for_execution,
    "DescribePipelineDefinitionForExecution": _describe_pipeline_definition_for_execution,
}
