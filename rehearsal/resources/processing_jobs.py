"""Processing jobs."""

from collections import Counter

from rehearsal.errors import validation
from rehearsal.resources.context import Context, Handler, Record
from rehearsal.resources.jobs import JobKind
from rehearsal.resources.paging import Listing
from rehearsal.resources.vpc import PROCESSING_PERMISSIONS, check_vpc

KIND = JobKind(
    "processing-job",
    "ProcessingJob",
    Listing("ListProcessingJobs", name="ProcessingJobName", status="ProcessingJobStatus"),
)
_ROOT = "/opt/ml/processing"


def _create_processing_job(context: Context, request: Record) -> Record:
    _check_container(request["AppSpecification"])
    _check_channels(request)
    vpc = request.get("NetworkConfig", {}).get("VpcConfig")
    check_vpc(context, vpc, request["RoleArn"], PROCESSING_PERMISSIONS)
    return KIND.start(
        context,
        request,
        lambda arn, change: context.jobs.start_processing_job(request, arn, change),
    )


def _check_container(container: Record) -> None:
    """Checks the command.

    Raises:
        ApiError: a word is empty. AWS's sentence: aws/sagemaker-python-sdk#3758.
    """
    for member in ("ContainerArguments", "ContainerEntrypoint"):
        if "" in container.get(member, []):
            raise validation(
                "ContainerArguments and ContainerEntrypoint may not contain null or empty strings"
            )


def _check_channels(request: Record) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Input.html

    Raises:
        ApiError: an input or output is not whole, or two are in each other's way. Only the
            sentences on what the rehearsal lacks are its own by intent; the others are from memory.
    """
    inputs = request.get("ProcessingInputs", [])
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    taken = [_check_input(each) for each in inputs if not each.get("AppManaged", False)]
    taken += [_check_output(each) for each in outputs if not each.get("AppManaged", False)]
    names = [each["InputName"] for each in inputs], [each["OutputName"] for each in outputs]
    for what, values in zip(("input name", "output name"), names, strict=True):
        _refuse_twice(what, values)
    _refuse_twice("LocalPath", [path for path in taken if path is not None])


def _check_input(given: Record) -> str | None:
    name, source = given["InputName"], given.get("S3Input")
    if source is None:
        return None
    for member in ("LocalPath", "S3InputMode"):
        if member not in source:
            raise validation(
                f"{member} is required for the S3Input of the input {name}, which is not AppManaged"
            )
    if source["S3InputMode"] != "File":
        raise validation(
            f"The rehearsal brings whole files: the input {name} has the S3InputMode "
            f"{source['S3InputMode']}, use File."
        )
    if source.get("S3CompressionType", "None") != "None":
        raise validation(
            f"The rehearsal unpacks nothing: give the input {name} no S3CompressionType."
        )
    return _below_root(name, source["LocalPath"])


def _check_output(given: Record) -> str | None:
    name, target = given["OutputName"], given.get("S3Output")
    if target is None:
        return None
    if target["S3UploadMode"] != "EndOfJob":
        raise validation(
            f"The rehearsal uploads when a job ends: the output {name} has the S3UploadMode "
            f"{target['S3UploadMode']}, use EndOfJob."
        )
    return _below_root(name, target["LocalPath"])


def _below_root(name: str, path: str) -> str:
    if not f"{path.rstrip('/')}/".startswith(f"{_ROOT}/"):
        raise validation(f"The LocalPath {path} of {name} must be below {_ROOT}")
    return path.rstrip("/")


def _refuse_twice(what: str, values: list[str]) -> None:
    for value, count in Counter(values).items():
        if count > 1:
            raise validation(f"The {what} {value} is given {count} times: each must be unique")


OPERATIONS: dict[str, Handler] = {
    "CreateProcessingJob": _create_processing_job,
    "DescribeProcessingJob": KIND.describe,
    "StopProcessingJob": KIND.stop,
    "DeleteProcessingJob": KIND.delete,
    "ListProcessingJobs": KIND.list_all,
}
