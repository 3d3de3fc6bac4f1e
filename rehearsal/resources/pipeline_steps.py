"""The steps of an execution of a pipeline."""

from typing import Any

from rehearsal import service_model
from rehearsal.events import iso_time
from rehearsal.resources.context import Context, Record
from rehearsal.resources.paging import numbered_page
from rehearsal.store import Resource

KIND = "pipeline-step"
RUNNING = frozenset({"Starting", "Executing", "Stopping"})
_PROPERTIES = "_Properties"  # in a step's record; not shown


def record_step(context: Context, arn: str, step: Record) -> None:
    """`rehearsal.backends.ExecutionReports.record_step`."""
    with context.store.transaction():
        execution = context.store.by_arn(arn)
        if execution is None:
            return
        record = {
            key: value for key, value in step.items() if key not in ("StepType", "Properties")
        }
        if "Properties" in step:
            record[_PROPERTIES] = step["Properties"]
        name = f"{arn}/{step['StepName']}"
        before = context.store.put(KIND, name, f"{KIND}/{name}", record, parent=arn)
        previous = before["StepStatus"] if before else None
        if previous != step.get("StepStatus"):
            _send_event(context, execution, step, previous)


def _send_event(context: Context, execution: Resource, step: Record, previous: str | None) -> None:
    pipeline = execution.parent
    context.store.afterwards(lambda: context.execution_metrics.step(pipeline, step, previous))
    detail = {
        "metadata": _lower_camel(step.get("Metadata", {})),
        "stepName": step["StepName"],
        "stepType": step.get("StepType"),
        "stepStartTime": iso_time(step.get("StartTime")),
        "stepEndTime": iso_time(step.get("EndTime")),
        "currentStepStatus": step["StepStatus"],
        "previousStepStatus": previous,
        "failureReason": step.get("FailureReason"),
        "cacheHitResult": _lower_camel(step.get("CacheHitResult")),
        "pipelineArn": pipeline,
        "pipelineExecutionArn": execution.arn,
    }
    context.events.send(
        "SageMaker Model Building Pipeline Execution Step Status Change",
        detail,
        [pipeline, execution.arn],
    )


def _lower_camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _lower_camel(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_lower_camel(item) for item in value]
    return value


def with_properties(context: Context, arn: str) -> list[Record]:
    """The steps of an execution as its retry takes them: with the properties of those that
    succeeded.
    """
    steps = [step.record for step in context.store.all(KIND, arn)]
    return [step | {"Properties": step.get(_PROPERTIES)} for step in steps]


def list_steps(context: Context, arn: str, request: Record) -> Record:
    """The page of an execution's steps that a ListPipelineExecutionSteps asks for."""
    rows = [
        (step.sequence, service_model.project("PipelineExecutionStep", step.record))
        for step in context.store.all(KIND, arn)
    ]
    # AWS's default is the newest first: the SDK's own list_steps shows it so.
    descending = request.get("SortOrder", "Descending") == "Descending"
    return numbered_page(request, rows, "PipelineExecutionSteps", descending=descending)
