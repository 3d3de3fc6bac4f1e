"""Training jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rehearsal.api import shapes
from rehearsal.api.context import Context, Handler, New, Record, now
from rehearsal.api.jobs import RUNNING
from rehearsal.api.paging import Listing
from rehearsal.api.vpc import check_vpc
from rehearsal.backends import Change
from rehearsal.errors import ApiError, in_use, validation

KIND = "training-job"
_DEFAULT_MAX_RUNTIME = 86_400
_LAST = frozenset({"Completed", "Failed", "Stopped", "MaxRuntimeExceeded"})
_LISTING = Listing(
    output="TrainingJobSummaries",
    summary="TrainingJobSummary",
    name="TrainingJobName",
    status="TrainingJobStatus",
)


def create_training_job(context: Context, request: Record) -> Record:
    _check_wait_time(request)
    check_vpc(context, request.get("VpcConfig"), request["RoleArn"])
    name = request["TrainingJobName"]
    arn = context.arn(f"{KIND}/{name}")
    time = now()
    record = {key: value for key, value in request.items() if key != "Tags"} | {
        "TrainingJobArn": arn,
        "TrainingJobStatus": "InProgress",
        "SecondaryStatus": "Starting",
        "SecondaryStatusTransitions": [_transition("Starting", time)],
        # The service model requires it at any time.
        "ModelArtifacts": {"S3ModelArtifacts": _artifacts(request)},
        "CreationTime": time,
        "LastModifiedTime": time,
    }
    context.add(
        New(KIND, name, arn, record),
        tags=request.get("Tags"),
        duplicate=in_use(
            "Training job names must be unique within an AWS account and region, and a training "
            f"job with this name already exists ({arn})"
        ),
    )
    context.events.training_job(record, context.store.tags(arn))
    context.jobs.start_training_job(request, arn, change(context, name))
    return {"TrainingJobArn": arn}


def _check_wait_time(request: Record) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html

    :raises ApiError: MaxWaitTimeInSeconds does not fit to EnableManagedSpotTraining.
    """
    condition = request.get("StoppingCondition", {})
    wait_time = condition.get("MaxWaitTimeInSeconds")
    if not request.get("EnableManagedSpotTraining", False):
        if wait_time is not None:
            raise validation(
                "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining "
                "is set to true"
            )
    elif wait_time is None or wait_time < condition.get(
        "MaxRuntimeInSeconds", _DEFAULT_MAX_RUNTIME
    ):
        raise validation(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
            "MaxRuntimeInSeconds"
        )


def _artifacts(request: Record) -> str:
    folder = request["OutputDataConfig"]["S3OutputPath"].rstrip("/")
    return f"{folder}/{request['TrainingJobName']}/output/model.tar.gz"


def change(context: Context, name: str) -> Change:
    """How the backend tells of a job."""

    def apply(fields: Record) -> None:
        changed = context.store.change(KIND, name, lambda record: _merged(record, fields))
        if changed is None:
            return
        before, after = changed
        watched = ("TrainingJobStatus", "SecondaryStatus")
        if any(before.get(member) != after.get(member) for member in watched):
            context.events.training_job(after, context.store.tags(after["TrainingJobArn"]))

    return apply


def _merged(record: Record, fields: Record) -> Record:
    time = now()
    merged = fields | {"LastModifiedTime": time}
    secondary = fields.get("SecondaryStatus")
    if secondary and secondary != record.get("SecondaryStatus"):
        earlier: list[dict[str, Any]] = record.get("SecondaryStatusTransitions", [])
        ended = [{"EndTime": time} | transition for transition in earlier]
        transition = _transition(secondary, time, fields.get("FailureReason"))
        merged["SecondaryStatusTransitions"] = [*ended, transition]
    return merged


def _transition(status: str, time: datetime, message: str | None = None) -> dict[str, Any]:
    transition: dict[str, Any] = {"Status": status, "StartTime": time}
    if status in _LAST:
        transition["EndTime"] = time
    return transition | ({"StatusMessage": message} if message else {})


def describe_training_job(context: Context, request: Record) -> Record:
    found = context.get(KIND, request["TrainingJobName"], _missing())
    return shapes.project("DescribeTrainingJobResponse", found.record)


def stop_training_job(context: Context, request: Record) -> Record:
    found = context.get(KIND, request["TrainingJobName"], _missing())
    status = found.record["TrainingJobStatus"]
    if status == "Stopping":
        return {}
    if status != "InProgress":
        raise validation(
            f"The request was rejected because the training job is in status {status}."
        )
    change(context, found.name)({"TrainingJobStatus": "Stopping", "SecondaryStatus": "Stopping"})
    context.jobs.stop(found.arn)
    return {}


def delete_training_job(context: Context, request: Record) -> Record:
    found = context.get(KIND, request["TrainingJobName"], _missing())
    if found.record["TrainingJobStatus"] in RUNNING:
        raise in_use(f"The training job {found.arn} runs: stop it first.")
    context.store.delete(KIND, found.name)
    return {}


def list_training_jobs(context: Context, request: Record) -> Record:
    return _LISTING.answer(request, context.store.all(KIND))


def _missing() -> ApiError:
    return validation("Requested resource not found.")


OPERATIONS: dict[str, Handler] = {
    "CreateTrainingJob": create_training_job,
    "DescribeTrainingJob": describe_training_job,
    "StopTrainingJob": stop_training_job,
    "DeleteTrainingJob": delete_training_job,
    "ListTrainingJobs": list_training_jobs,
}
