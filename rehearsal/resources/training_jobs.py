"""Training jobs."""

from rehearsal.errors import validation
from rehearsal.jobs.plan import DEFAULT_MAX_RUNTIME_SECONDS
from rehearsal.resources.context import Context, Handler, Record
from rehearsal.resources.jobs import JobKind
from rehearsal.resources.paging import Listing
from rehearsal.resources.vpc import check_vpc

_MODES = ("File", "FastFile")
_AUGMENTED = "AugmentedManifestFile"

KIND = JobKind(
    "training-job",
    "TrainingJob",
    Listing("ListTrainingJobs", name="TrainingJobName", status="TrainingJobStatus"),
    has_secondary=True,
    missing="Requested resource not found.",
    duplicate=(
        "Training job names must be unique within an AWS account and region, and a training job "
        "with this name already exists ({arn})"
    ),
)


def _create_training_job(context: Context, request: Record) -> Record:
    _check_wait_time(request)
    _check_streams(request)
    check_vpc(context, request.get("VpcConfig"), request["RoleArn"])
    return KIND.start(
        context,
        request,
        lambda arn, change: context.jobs.start_training_job(request, arn, change),
        # The service model requires it at any time.
        {"ModelArtifacts": {"S3ModelArtifacts": _artifacts(request)}},
    )


def _check_wait_time(request: Record) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html

    Raises:
        ApiError: MaxWaitTimeInSeconds does not fit to EnableManagedSpotTraining.
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
        "MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME_SECONDS
    ):
        raise validation(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
            "MaxRuntimeInSeconds"
        )


def _check_streams(request: Record) -> None:
    """Checks the channels.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Channel.html

    Raises:
        ApiError: one is to be piped, unpacked or sent to some hosts, which the rehearsal
            does not do.
    """
    job_mode = request["AlgorithmSpecification"]["TrainingInputMode"]
    for channel in request.get("InputDataConfig", []):
        name = channel["ChannelName"]
        mode = channel.get("InputMode", job_mode)
        if mode not in _MODES:
            raise validation(
                f"The rehearsal has files and no pipes: the channel {name} has the input mode "
                f"{mode}, use File or FastFile."
            )
        if channel["DataSource"].get("S3DataSource", {}).get("S3DataType") == _AUGMENTED:
            raise validation(
                f"The channel {name} is an {_AUGMENTED}, which needs the input mode Pipe and has "
                f"{mode}: use S3Prefix or ManifestFile."
            )
        if channel.get("CompressionType", "None") != "None":
            raise validation(
                f"The rehearsal unpacks nothing: give the channel {name} no CompressionType."
            )
        if channel["DataSource"].get("S3DataSource", {}).get("InstanceGroupNames"):
            raise validation(
                f"The rehearsal brings a channel to all instance groups: leave InstanceGroupNames "
                f"of {name} out."
            )
    if job_mode not in _MODES:
        raise validation(
            f"The rehearsal has files and no pipes: TrainingInputMode is {job_mode}, use File or "
            "FastFile."
        )


def _artifacts(request: Record) -> str:
    folder = request["OutputDataConfig"]["S3OutputPath"].rstrip("/")
    return f"{folder}/{request['TrainingJobName']}/output/model.tar.gz"


OPERATIONS: dict[str, Handler] = {
    "CreateTrainingJob": _create_training_job,
    "DescribeTrainingJob": KIND.describe,
    "StopTrainingJob": KIND.stop,
    "DeleteTrainingJob": KIND.delete,
    "ListTrainingJobs": KIND.list_all,
}
