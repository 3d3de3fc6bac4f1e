"""The steps of a definition that start a job, seen alike whatever their type, and their rules."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.assembly import Definition, beginning, is_expression
from infra.costs import PriceError, Prices
from infra.costs.prices import Use, volume_key
from infra.names import bucket_and_key
from infra.rules import Finding, Problems, findings

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
_NETWORK = {"Processing": "NetworkConfig.", "Training": ""}
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
        arguments: the request that the step makes.
    """

    name: str
    type: str
    arguments: Mapping[str, Any]

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
            yield Job(name, step["Type"], step["Arguments"])


def check_job(
    job: Job, region: str | None, prices: Prices, encrypted_buckets: Collection[str]
) -> Iterator[Finding]:
    """All that a job has against the rules.

    Args:
        region: None where none is set: the table's first counts then. One that the table lacks is
            not judged.
        encrypted_buckets: names of those that encrypt by default, as they stand in the definition.
    """
    image, place = job.image_path, job.cluster_path
    named = job.cluster.get("InstanceType")
    yield from findings(
        job.name,
        {
            "volume-key": _volume_key(job),
            "encrypted-outputs": _encrypted_outputs(job, encrypted_buckets),
            "encrypted-traffic": _switched_on(
                job,
                "EnableInterContainerTrafficEncryption",
                "hosts would talk in plain text: set it to true",
            ),
            # https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html
            "network-isolation": _switched_on(
                job,
                "EnableNetworkIsolation",
                "the containers have a network: set it to true, or say in "
                "infra/suppressions/tables.py what they ask",
            ),
            "time-limit": _time_limit(job),
            "tags": _tags(job),
            "pinned-image": pinned_image(image, job.argument(image)) if image else (),
            "instance-type": unknown_instance_type(
                f"{place}.InstanceType", named, use=_USES[job.type], region=region, prices=prices
            ),
        },
    )


def pinned_image(path: str, image: Any) -> Problems:
    """An image is named by its content."""
    if is_expression(image):
        yield path, "the image is known only when the execution starts: pin it in the definition"
    elif not _PINNED.search(beginning(image)):
        yield (
            path,
            f"'{image}' may be another image tomorrow: pin it by a digest or by the hash of what "
            "it is built from",
        )


def unknown_instance_type(
    path: str, name: Any, *, use: Use, region: str | None, prices: Prices
) -> Problems:
    """An instance type is offered for such a use in the Region, by the price table.

    One that is an expression or none is not judged, nor is any in a Region that the table lacks.
    """
    if not isinstance(name, str) or (region is not None and region not in prices.regions):
        return
    try:
        prices.hour(name, region, use)
    except PriceError as error:
        yield path, str(error).removesuffix(".")


def _volume_key(job: Job) -> Problems:
    """Each volume has our key, where the instance type takes one.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    """
    path = f"{job.cluster_path}.VolumeKmsKeyId"
    instance = job.cluster.get("InstanceType")
    takes_key = not isinstance(instance, str) or volume_key(instance, "key")
    has_key = bool(job.cluster.get("VolumeKmsKeyId"))
    if takes_key and not has_key:
        yield path, "the volume has no KMS key: name one"
    if has_key and not takes_key:
        yield (
            path,
            f"{instance} has local disks, which take no key: leave it out, or SageMaker refuses "
            "the job",
        )


def _encrypted_outputs(job: Job, encrypted_buckets: Collection[str]) -> Problems:
    """Each output has a KMS key, or goes to a bucket that encrypts all it is given."""
    for path, uri, key in _outputs(job):
        bucket = bucket_and_key(beginning(uri))[0]
        if not key and bucket not in encrypted_buckets:
            yield (
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


def _switched_on(job: Job, name: str, wrong: str) -> Problems:
    if job.type in _NETWORK:
        path = f"{_NETWORK[job.type]}{name}"
        if job.argument(path) is not True:
            yield path, wrong


def _time_limit(job: Job) -> Problems:
    """Each job has a time limit of its own, not AWS's of a day.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html
    """
    limits = job.arguments.get("StoppingCondition", {})
    runtime, wait = limits.get("MaxRuntimeInSeconds"), limits.get("MaxWaitTimeInSeconds")
    if job.type != "Transform" and not runtime:
        path = "StoppingCondition.MaxRuntimeInSeconds"
        yield path, "the job has no time limit: set one"
    path = "StoppingCondition.MaxWaitTimeInSeconds"
    if job.is_spot and isinstance(runtime, int) and (wait or 0) < runtime:
        yield (
            path,
            f"a spot job that may run {runtime} s may wait {wait or 0} s in all, which includes "
            "running: raise it",
        )
    if wait and not job.is_spot:
        yield path, "SageMaker refuses a wait for a job on demand: leave it out"


def _tags(job: Job) -> Problems:
    """Each job's costs can be attributed."""
    given = {tag.get("Key") for tag in job.arguments.get("Tags", [])}
    if missing := [key for key in TAGS if key not in given]:
        yield "Tags", f"the job has no tag {' and no tag '.join(missing)}: add it"
