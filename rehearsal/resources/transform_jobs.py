"""Transform jobs."""

from __future__ import annotations

from rehearsal.errors import validation
from rehearsal.events import Events
from rehearsal.resources import variants
from rehearsal.resources.context import Context, Handler, Record
from rehearsal.resources.jobs import Jobs
from rehearsal.resources.paging import Listing

JOBS = Jobs("transform-job", "TransformJob", Events.transform_job)
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
_MOST_MEGABYTES = 100
_LISTING = Listing(
    output="TransformJobSummaries",
    summary="TransformJobSummary",
    name="TransformJobName",
    status="TransformJobStatus",
)


def create_transform_job(context: Context, request: Record) -> Record:
    _check(request)
    name = request["TransformJobName"]
    count = request["TransformResources"]["InstanceCount"]
    variant = variants.of_model(context, request["ModelName"], name, count)
    arn = JOBS.create(
        context,
        request,
        lambda arn, change: context.transforms.start(request, variant, arn, change),
        context.transforms.stop,
    )
    return {"TransformJobArn": arn}


def _check(request: Record) -> None:
    """Raises:
    ApiError: AWS refuses it, or the rehearsal does not have it.
    """
    payload, concurrency = request.get("MaxPayloadInMB", 6), request.get("MaxConcurrentTransforms")
    if payload > _MOST_MEGABYTES or payload * (concurrency or 1) > _MOST_MEGABYTES:
        raise validation(
            f"MaxPayloadInMB ({payload}) times MaxConcurrentTransforms ({concurrency or 1}) must "
            f"not exceed {_MOST_MEGABYTES} MB."
        )
    asked, source = request["TransformInput"], request["TransformInput"]["DataSource"]
    unsupported = {
        "SplitType": asked.get("SplitType", "None") != "None",
        "CompressionType": asked.get("CompressionType", "None") != "None",
        "S3DataType": source["S3DataSource"]["S3DataType"] not in ("S3Prefix", "ManifestFile"),
        "DataProcessing": bool(request.get("DataProcessing")),
        "DataCaptureConfig": bool(request.get("DataCaptureConfig")),
    }
    for member, given in unsupported.items():
        if given:
            raise validation(
                f"The rehearsal's transform jobs have no such {member}: give whole, uncompressed "
                "objects by S3Prefix or ManifestFile, and leave data processing and capture out."
            )


def stop_transform_job(context: Context, request: Record) -> Record:
    return JOBS.stop(context, request, context.transforms.stop)


def list_transform_jobs(context: Context, request: Record) -> Record:
    return _LISTING.answer(request, context.store.all(JOBS.kind))


OPERATIONS: dict[str, Handler] = {
    "CreateTransformJob": create_transform_job,
    "DescribeTransformJob": JOBS.describe,
    "StopTransformJob": stop_transform_job,
    "ListTransformJobs": list_transform_jobs,
}
