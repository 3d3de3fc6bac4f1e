"""Transform jobs."""

from __future__ import annotations

from rehearsal.api import shapes, variants
from rehearsal.api.context import Context, Handler, New, Record, now
from rehearsal.api.paging import Listing
from rehearsal.backends import Change
from rehearsal.errors import ApiError, in_use, validation

KIND = "transform-job"
RUNNING = frozenset({"InProgress", "Stopping"})
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
    arn = context.arn(f"{KIND}/{name}")
    time = now()
    record = {key: value for key, value in request.items() if key != "Tags"} | {
        "TransformJobArn": arn,
        "TransformJobStatus": "InProgress",
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
    context.events.transform_job(record, context.store.tags(arn))
    context.transforms.start(request, variant, arn, change(context, name))
    return {"TransformJobArn": arn}


def _check(request: Record) -> None:
    """:raises ApiError: AWS refuses it, or the rehearsal does not have it."""
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


def change(context: Context, name: str) -> Change:
    """How the backend tells of a job."""

    def apply(fields: Record) -> None:
        changed = context.store.change(KIND, name, lambda _: fields | {"LastModifiedTime": now()})
        if changed is None:
            return
        before, after = changed
        if before["TransformJobStatus"] != after["TransformJobStatus"]:
            context.events.transform_job(after, context.store.tags(after["TransformJobArn"]))

    return apply


def describe_transform_job(context: Context, request: Record) -> Record:
    found = context.get(KIND, request["TransformJobName"], _missing(request))
    return shapes.project("DescribeTransformJobResponse", found.record)


def stop_transform_job(context: Context, request: Record) -> Record:
    found = context.get(KIND, request["TransformJobName"], _missing(request))
    status = found.record["TransformJobStatus"]
    if status == "Stopping":
        return {}
    if status != "InProgress":
        raise validation(
            f"The request was rejected because the transform job is in status {status}."
        )
    change(context, found.name)({"TransformJobStatus": "Stopping"})
    context.transforms.stop(found.arn)
    return {}


def list_transform_jobs(context: Context, request: Record) -> Record:
    return _LISTING.answer(request, context.store.all(KIND))


def _missing(request: Record) -> ApiError:
    return validation(f"Could not find requested job with name: {request['TransformJobName']}")


OPERATIONS: dict[str, Handler] = {
    "CreateTransformJob": create_transform_job,
    "DescribeTransformJob": describe_transform_job,
    "StopTransformJob": stop_transform_job,
    "ListTransformJobs": list_transform_jobs,
}
