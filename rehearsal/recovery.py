"""What a start finds that the last stop cut short."""

import logging

from rehearsal.api.dispatch import JOB_KINDS
from rehearsal.backends import DeploymentConfig
from rehearsal.errors import ApiError
from rehearsal.resources import (
    endpoints,
    pipeline_executions,
    pipeline_steps,
    variants,
)
from rehearsal.resources.context import Context
from rehearsal.resources.jobs import RUNNING
from rehearsal.service_model import now

_log = logging.getLogger(__name__)
REASON = "The rehearsal was stopped while this ran."


def recover(context: Context) -> None:
    """Marks as failed what ran when the server stopped, and brings the endpoints up again."""
    _fail_jobs(context)
    _fail_executions(context)
    for endpoint in endpoints.KIND.all(context):
        _restore(context, endpoint.name)


def _fail_jobs(context: Context) -> None:
    for jobs in JOB_KINDS:
        for job in jobs.all(context):
            if job.record[jobs.status] in RUNNING:
                jobs.fail(context, job.name, REASON)


def _fail_executions(context: Context) -> None:
    for execution in pipeline_executions.KIND.all(context):
        if execution.record["PipelineExecutionStatus"] not in pipeline_executions.RUNNING:
            continue
        for step in context.store.all(pipeline_steps.KIND, execution.arn):
            if step.record["StepStatus"] in pipeline_steps.RUNNING:
                failed = {"StepStatus": "Failed", "FailureReason": REASON, "EndTime": now()}
                pipeline_steps.record_step(context, execution.arn, step.record | failed)
        pipeline_executions.change_execution(
            context,
            execution.arn,
            {"PipelineExecutionStatus": "Failed", "FailureReason": REASON},
        )


def _restore(context: Context, name: str) -> None:
    record = endpoints.KIND.get(context, name).record
    status, config = record["EndpointStatus"], record["EndpointConfigName"]
    if status == "Deleting":
        context.store.delete(endpoints.KIND.kind, name)
        return
    if status == "Failed":
        return
    try:
        configuration = variants.resolve(context, config)
    except ApiError as error:
        # AWS serves on after its configuration was deleted; here the processes are gone.
        reason = f"The rehearsal was stopped, and can't serve again: {error.message}"
        endpoints.change(context, name, {"EndpointStatus": "Failed", "FailureReason": reason})
        return
    _log.info("Bringing the endpoint %s up again", name)
    changes: dict[str, str | None] = {"PendingDeploymentSummary": None}
    if status != "Creating":
        changes["EndpointStatus"] = "SystemUpdating"
    endpoints.change(context, name, changes)
    configuration = variants.retain(configuration, record.get("ProductionVariants", []))
    # An update that was cut short is over: the fleet of before serves again.
    interrupted = {"FailureReason": REASON} if status == "Updating" else {}
    endpoints.deploy(context, name, configuration, DeploymentConfig(), interrupted)
