"""Transform jobs."""

from rehearsal.errors import validation
from rehearsal.resources import variants
from rehearsal.resources.context import Context, Handler, Record
from rehearsal.resources.jobs import JobKind
from rehearsal.resources.paging import Listing

KIND = JobKind(
    "transform-job",
    "TransformJob",
    Listing("ListTransformJobs", name="TransformJobName", status="TransformJobStatus"),
)
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
_MOST_MEGABYTES = 100


def _create_transform_job(context: Context, request: Record) -> Record:
    _check(request)
    name = request["TransformJobName"]
    count = request["TransformResources"]["InstanceCount"]
    variant = variants.from_model(context, request["ModelName"], name, count)
    return KIND.start(
        context,
        request,
        lambda arn, change: context.jobs.start_transform_job(request, variant, arn, change),
    )


def _check(request: Record) -> None:
    """Checks a CreateTransformJob.

    Raises:
        ApiError: AWS refuses it, or the rehearsal does not have it.
    """
    payload, concurrency = request.get("MaxPayloadInMB", 6), request.get("MaxConcurrentTransforms")
    if payload > _MOST_MEGABYTES or payload * (concurrency or 1) > _MOST_MEGABYTES:
        raise validation(
            f"MaxPayloadInMB ({payload}) times MaxConcurrentTransforms ({concurrency or 1}) must "
            f"not exceed {_MOST_MEGABYTES} MB."
        )
    given, source = request["TransformInput"], request["TransformInput"]["DataSource"]
    unsupported = {
        "SplitType": given.get("SplitType", "None") != "None",
        "CompressionType": given.get("CompressionType", "None") != "None",
        "S3DataType": source["S3DataSource"]["S3DataType"] not in ("S3Prefix", "ManifestFile"),
        "DataProcessing": bool(request.get("DataProcessing")),
        "DataCaptureConfig": bool(request.get("DataCaptureConfig")),
    }
    for member, is_given in unsupported.items():
        if is_given:
            raise validation(
                f"The rehearsal's transform jobs have no such {member}: give whole, uncompressed "
                "objects by S3Prefix or ManifestFile, and leave data processing and capture out."
            )


OPERATIONS: dict[str, Handler] = {
    "CreateTransformJob": _create_transform_job,
    "DescribeTransformJob": KIND.describe,
    "StopTransformJob": KIND.stop,
    "ListTransformJobs": KIND.list_all,
}
