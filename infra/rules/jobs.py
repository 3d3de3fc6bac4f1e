"""The steps of a definition that start a job, seen alike whatever their type, and their rules."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.assembly import Definition, beginning, is_expression
from infra.costs import PriceError, Prices
from infra.costs.prices import Use, volume_key
from infra.names import bucket_and_key
from infra.rules import Finding

TAGS = ("Project", "Environment")
_CLUSTER = {
    "Processing": "ProcessingResources.ClusterConfig",
    "Training": "ResourceConfig",
    "Transform": "TransformResources",
}
_IMAGE = {
    "Processing": "AppSpecification.ImageUri",
    "Training": "AlgorithmSpecification.TrainingImage",
}
_TRAFFIC = {
    "Processing": "NetworkConfig.EnableInterContainerTrafficEncryption",
    "Training": "EnableInterContainerTrafficEncryption",
}
_ISOLATION = {
    "Processing": "NetworkConfig.EnableNetworkIsolation",
    "Training": "EnableNetworkIsolation",
}
_USES: Mapping[str, Use] = {
    "Processing": "processing",
    "Training": "training",
    "Transform": "hosting",
}
# A digest, or the tag that the CDK gives an image asset: the SHA-256 of what it is built from.
# https://docs.aws.amazon.com/cdk/v2/guide/assets.html
_PINNED = re.compile(r"(@sha256:|:)[0-9a-f]{64}$")


@dataclass(frozen=True)
class Job:
    """One step that starts a job.

    Attributes:
        name: the step's name.
        type: `Processing`, `Training` or `Transform`.
        step: all of the step.
    """

    name: str
    type: str
    step: Mapping[str, Any]

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The request that the step makes."""
        arguments: Mapping[str, Any] = self.step["Arguments"]
        return arguments

    def argument(self, path: str) -> Any:
        """What lies at `A.B.C`; None where there is nothing."""
        value: Any = self.arguments
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    @property
    def cluster_path(self) -> str:
        """Where `cluster` lies."""
        return _CLUSTER[self.type]

    @property
    def cluster(self) -> Mapping[str, Any]:
        """Instance type and count, volume; empty where the step names none."""
        return self.argument(self.cluster_path) or {}

    @property
    def image_path(self) -> str | None:
        """Where the image is named; None for a transform job, whose model has it."""
        return _IMAGE.get(self.type)

    @property
    def is_spot(self) -> bool:
        """Is it managed spot training?"""
        return bool(self.arguments.get("EnableManagedSpotTraining"))


def jobs(definition: Definition) -> Iterator[Job]:
    """Every step that starts a job, those of branches too."""
    for name, step in definition.steps.items():
        if step["Type"] in _CLUSTER:
            yield Job(name, step["Type"], step)


def check_job(
    job: Job, region: str | None, prices: Prices, encrypted_buckets: Collection[str]
) -> Iterator[Finding]:
    """All that a job has against the rules.

    Args:
        region: None where none is set: the table's first counts then. One that the table lacks is
            not judged.
        encrypted_buckets: names of those that encrypt by default, as they stand in the definition.
    """
    yield from _encrypted_volumes(job)
    yield from _encrypted_outputs(job, encrypted_buckets)
    yield from _encrypted_traffic(job)
    yield from _network_isolation(job)
    yield from _time_limit(job)
    yield from _tags(job)
    if job.image_path:
        yield from pinned_image(job.name, job.image_path, job.argument(job.image_path))
    path, name = f"{job.cluster_path}.InstanceType", job.cluster.get("InstanceType")
    yield from instance_type(
        job.name, path, name, use=_USES[job.type], region=region, prices=prices
    )


def pinned_image(subject: str, path: str, image: Any) -> Iterator[Finding]:
    """An image is named by its content."""
    if is_expression(image):
        wrong = "the image is known only when the execution starts: pin it in the definition"
    elif not _PINNED.search(beginning(image)):
        wrong = (
            f"'{image}' may be another image tomorrow: pin it by a digest or by the hash of what "
            "it is built from"
        )
    else:
        return
    yield Finding(subject, "pinned-image", path, wrong)


def instance_type(  # noqa: PLR0913 - a finding's subject and path, and what is looked up
    subject: str, path: str, name: Any, *, use: Use, region: str | None, prices: Prices
) -> Iterator[Finding]:
    """An instance type is offered for such a use in the Region, by the price table.

    One that is an expression or none is not judged, nor is any in a Region that the table lacks.
    """
    if not isinstance(name, str) or (region is not None and region not in prices.regions):
        return
    try:
        prices.hour(name, region, use)
    except PriceError as error:
        yield Finding(subject, "instance-type", path, str(error).removesuffix("."))


def _encrypted_volumes(job: Job) -> Iterator[Finding]:
    """Each volume has our key, where the instance type takes one.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    """
    path = f"{job.cluster_path}.VolumeKmsKeyId"
    instance = job.cluster.get("InstanceType")
    takes_key = not isinstance(instance, str) or volume_key(instance, "key")
    has_key = bool(job.cluster.get("VolumeKmsKeyId"))
    if takes_key and not has_key:
        yield Finding(job.name, "volume-key", path, "the volume has no KMS key: name one")
    if has_key and not takes_key:
        yield Finding(
            job.name,
            "volume-key",
            path,
            f"{instance} has local disks, which take no key: leave it out, or SageMaker refuses "
            "the job",
        )


def _encrypted_outputs(job: Job, encrypted_buckets: Collection[str]) -> Iterator[Finding]:
    """Each output has a KMS key, or goes to a bucket that encrypts all it is given."""
    for path, uri, key in _outputs(job):
        bucket = bucket_and_key(beginning(uri))[0]
        if not key and bucket not in encrypted_buckets:
            yield Finding(
                job.name,
                "encrypted-outputs",
                path,
                f"'{bucket}' is no bucket of ours with default encryption, and there is no "
                "KmsKeyId: write to a bucket of the data stack, or name a key",
            )


def _outputs(job: Job) -> Iterator[tuple[str, object, object]]:
    """(path, URI, key) of each."""
    config = job.arguments.get("ProcessingOutputConfig", {})
    for number, output in enumerate(config.get("Outputs", [])):
        if "S3Output" in output:
            path = f"ProcessingOutputConfig.Outputs[{number}].S3Output.S3Uri"
            yield path, output["S3Output"].get("S3Uri"), config.get("KmsKeyId")
    for member, place in (
        ("OutputDataConfig", "S3OutputPath"),
        ("TransformOutput", "S3OutputPath"),
        ("CheckpointConfig", "S3Uri"),
        ("TensorBoardOutputConfig", "S3OutputPath"),
        ("DebugHookConfig", "S3OutputPath"),
        ("ProfilerConfig", "S3OutputPath"),
    ):
        output = job.arguments.get(member, {})
        if place in output:
            yield f"{member}.{place}", output[place], output.get("KmsKeyId")


def _encrypted_traffic(job: Job) -> Iterator[Finding]:
    """What a job's hosts send each other is encrypted."""
    path = _TRAFFIC.get(job.type)
    if path and job.argument(path) is not True:
        yield Finding(
            job.name, "encrypted-traffic", path, "hosts would talk in plain text: set it to true"
        )


def _network_isolation(job: Job) -> Iterator[Finding]:
    """A job's containers make no connections; who has to is an exception with its reason.

    https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html
    """
    path = _ISOLATION.get(job.type)
    if path and job.argument(path) is not True:
        yield Finding(
            job.name,
            "network-isolation",
            path,
            "the containers have a network: set it to true, or say in infra/suppressions/tables.py "
            "what they ask",
        )


def _time_limit(job: Job) -> Iterator[Finding]:
    """Each job has a time limit of its own, not AWS's of a day.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html
    """
    limits = job.arguments.get("StoppingCondition", {})
    path = "StoppingCondition.MaxRuntimeInSeconds"
    runtime, wait = limits.get("MaxRuntimeInSeconds"), limits.get("MaxWaitTimeInSeconds")
    if job.type != "Transform" and not runtime:
        yield Finding(job.name, "time-limit", path, "the job has no time limit: set one")
    path = "StoppingCondition.MaxWaitTimeInSeconds"
    if job.is_spot and isinstance(runtime, int) and (wait or 0) < runtime:
        yield Finding(
            job.name,
            "time-limit",
            path,
            f"a spot job that may run {runtime} s may wait {wait or 0} s in all, which includes "
            "running: raise it",
        )
    if wait and not job.is_spot:
        wrong = "SageMaker refuses a wait for a job on demand: leave it out"
        yield Finding(job.name, "time-limit", path, wrong)


def _tags(job: Job) -> Iterator[Finding]:
    """Each job's costs can be attributed."""
    given = {tag.get("Key") for tag in job.arguments.get("Tags", [])}
    if missing := [key for key in TAGS if key not in given]:
        wrong = f"the job has no tag {' and no tag '.join(missing)}: add it"
        yield Finding(job.name, "tags", "Tags", wrong)
