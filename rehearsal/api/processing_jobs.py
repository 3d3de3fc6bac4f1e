"""Processing jobs."""

from __future__ import annotations

from rehearsal.api import shapes
from rehearsal.api.context import Context, Handler, New, Record, now
from rehearsal.api.paging import Listing
from rehearsal.backends import Change
from rehearsal.errors import ApiError, in_use, validation

KIND = "processing-job"
RUNNING = frozenset({"InProgress", "Stopping"})
_LISTING = Listing(
    output="ProcessingJobSummaries",
    summary="ProcessingJobSummary",
    name="ProcessingJobName",
    status="ProcessingJobStatus",
)


def create_processing_job(context: Context, request: Record) -> Record:
    name = request["ProcessingJobName"]
    arn = context.arn(f"{KIND}/{name}")
    time = now()
    record = {key: value for key, value in request.items() if key != "Tags"} | {
        "ProcessingJobArn": arn,
        "ProcessingJobStatus": "InProgress",
        "CreationTime": time,
        "LastModifiedTime": time,
    }
    context.add(
        New(KIND, name, arn, record),
        tags=request.get("Tags"),
        duplicate=in_use(
            "Job name must be unique within an AWS account and region, and a job with this name "
            f"already exists ({arn})"
        ),
    )
    context.events.processing_job(record, context.store.tags(arn))
    context.jobs.start_processing_job(request, arn, change(context, name))
    return {"ProcessingJobArn": arn}


def change(context: Context, name: str) -> Change:
    """How the backend tells of a job."""

    def apply(fields: Record) -> None:
        changed = context.store.change(KIND, name, lambda _: fields | {"LastModifiedTime": now()})
        if changed is None:
            return
        before, after = changed
        if before["ProcessingJobStatus"] != after["ProcessingJobStatus"]:
            context.events.processing_job(after, context.store.tags(after["ProcessingJobArn"]))

    return apply


def describe_processing_job(context: Context, request: Record) -> Record:
    found = context.get(KIND, request["ProcessingJobName"], _missing(request))
    return shapes.project("DescribeProcessingJobResponse", found.record)


def stop_processing_job(context: Context, request: Record) -> Record:
    found = context.get(KIND, request["ProcessingJobName"], _missing(request))
    status = found.record["ProcessingJobStatus"]
    if status == "Stopping":
        return {}
    if status != "InProgress":
        raise validation(
            f"The request was rejected because the processing job is in status {status}."
        )
    change(context, found.name)({"ProcessingJobStatus": "Stopping"})
    context.jobs.stop(found.arn)
    return {}


def delete_processing_job(context: Context, request: Record) -> Record:
    found = context.get(KIND, request["ProcessingJobName"], _missing(request))
    if found.record["ProcessingJobStatus"] in RUNNING:
        raise in_use(f"The processing job {found.arn} runs: stop it first.")
    context.store.delete(KIND, found.name)
    return {}


def list_processing_jobs(context: Context, request: Record) -> Record:
    return _LISTING.answer(request, context.store.all(KIND))


def _missing(request: Record) -> ApiError:
    return validation(f"Could not find requested job with name: {request['ProcessingJobName']}")


OPERATIONS: dict[str, Handler] = {
    "CreateProcessingJob": create_processing_job,
    "DescribeProcessingJob": describe_processing_job,
    "StopProcessingJob": stop_processing_job,
    "DeleteProcessingJob": delete_processing_job,
    "ListProcessingJobs": list_processing_jobs,
}
