"""Volumes, outputs and traffic of jobs are encrypted."""

from collections.abc import Collection, Iterator

from infra.rules.expressions import beginning
from infra.rules.finding import Finding
from infra.rules.jobs import Job
from infra.volumes import volume_key

_TRAFFIC = {
    "Processing": "NetworkConfig.EnableInterContainerTrafficEncryption",
    "Training": "EnableInterContainerTrafficEncryption",
}


def volumes(job: Job) -> Iterator[Finding]:
    """Each volume has our key, where the instance type takes one.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    """
    path = f"{job.cluster_path}.VolumeKmsKeyId"
    instance_type = job.cluster.get("InstanceType")
    takes_key = not isinstance(instance_type, str) or volume_key(instance_type, "key")
    has_key = bool(job.cluster.get("VolumeKmsKeyId"))
    if takes_key and not has_key:
        yield Finding(job.name, "volume-key", path, "the volume has no KMS key: name one")
    if has_key and not takes_key:
        yield Finding(
            job.name,
            "volume-key",
            path,
            f"{instance_type} has local disks, which take no key: leave it out, or SageMaker "
            "refuses the job",
        )


def outputs(job: Job, encrypted_buckets: Collection[str]) -> Iterator[Finding]:
    """Each output has a KMS key, or goes to a bucket that encrypts all it is given.

    Args:
        encrypted_buckets: names of such buckets, as they stand in the definition.
    """
    for path, uri, key in _outputs(job):
        bucket = beginning(uri).removeprefix("s3://").partition("/")[0]
        if key or bucket in encrypted_buckets:
            continue
        yield Finding(
            job.name,
            "encrypted-outputs",
            path,
            f"'{bucket}' is no bucket of ours with default encryption, and there is no KmsKeyId: "
            "write to a bucket of the data stack, or name a key",
        )


def _outputs(job: Job) -> Iterator[tuple[str, object, object]]:
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
        written = job.arguments.get(member, {})
        if place in written:
            yield f"{member}.{place}", written[place], written.get("KmsKeyId")


def traffic(job: Job) -> Iterator[Finding]:
    """What a job's hosts send each other is encrypted."""
    path = _TRAFFIC.get(job.type)
    if path and job.argument(path) is not True:
        yield Finding(
            job.name, "encrypted-traffic", path, "hosts would talk in plain text: set it to true"
        )
