"""Processing jobs."""

from __future__ import annotations

from rehearsal.api.context import Context, Handler, Record
from rehearsal.api.jobs import Jobs
from rehearsal.api.paging import Listing
from rehearsal.api.vpc import check_vpc
from rehearsal.events import Events

JOBS = Jobs("processing-job", "ProcessingJob", Events.processing_job)
_LISTING = Listing(
    output="ProcessingJobSummaries",
    summary="ProcessingJobSummary",
    name="ProcessingJobName",
    status="ProcessingJobStatus",
)


def create_processing_job(context: Context, request: Record) -> Record:
    check_vpc(context, request.get("NetworkConfig", {}).get("VpcConfig"), request["RoleArn"])
    arn = JOBS.create(
        context,
        request,
        lambda arn, change: context.jobs.start_processing_job(request, arn, change),
        context.jobs.stop,
    )
    return {"ProcessingJobArn": arn}


def stop_processing_job(context: Context, request: Record) -> Record:
    return JOBS.stop(context, request, context.jobs.stop)


def delete_processing_job(context: Context, request: Record) -> Record:
    return JOBS.delete(context, request)


def list_processing_jobs(context: Context, request: Record) -> Record:
    return _LISTING.answer(request, context.store.all(JOBS.kind))


OPERATIONS: dict[str, Handler] = {
    "CreateProcessingJob": create_processing_job,
    "DescribeProcessingJob": JOBS.describe,
    "StopProcessingJob": stop_processing_job,
    "DeleteProcessingJob": delete_processing_job,
    "ListProcessingJobs": list_processing_jobs,
}
