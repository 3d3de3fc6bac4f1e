"""What a job stores on each of its hosts, and whether it has room."""

import math
from collections.abc import Iterator
from dataclasses import replace

from infra.costs.durations import Work, copied_bytes
from infra.costs.job import Channel, Job
from infra.costs.prices import Instance, volume_key

# Of a volume: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
_LARGEST_VOLUME_GB = 16_384


def stored_gb(job: Job, work: Work) -> int:
    """GB of inputs and outputs on one host of a job."""
    return math.ceil(_stored_bytes(job, work) / 1e9)


def _stored_bytes(job: Job, work: Work) -> float:
    if job.step == "ShardImages":
        objects = math.ceil(work.workload.objects / job.count)
        return objects * (work.workload.mean_bytes + work.record.bytes)
    if job.step == "TrainModel":
        return copied_bytes(job, work)
    return work.split.test * work.record.bytes if job.step == "EvaluateModel" else 0.0


def room_gb(job: Job, instance: Instance) -> float:
    """GB that a host has: of its volume or, where the type has some, of its own disks.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-train-storage-tips-considerations.html
    """
    if volume_key(instance.name, "key") is not None:
        return job.volume_gb
    return instance.disk_gb or math.inf


def with_records(job: Job, input_mode: str, distribution: str, validation: str = "") -> Job:
    """A training job whose records come in another way.

    Args:
        distribution: of the training channel.
        validation: that of the validation channel; as it is, without.
    """
    now = job.channels.get("validation", Channel()).distribution
    records = {
        "train": Channel(input_mode, distribution),
        "validation": Channel(input_mode, validation or now),
    }
    return replace(job, channels={**job.channels, **records})


def storage_problems(job: Job, work: Work, instance: Instance) -> Iterator[str]:
    """A sentence where a host has too little room: how much is wanted, and what would fit."""
    needed, room = stored_gb(job, work), room_gb(job, instance)
    if needed <= room:
        return
    ways = [*_larger(job, needed, instance), *_less(job, work, room)]
    yield (
        f"{job.step} needs {needed:,} GB on each host and has {room:,.0f}: "
        f"{', or '.join(ways) or 'no host can have so much'}."
    )


def _larger(job: Job, needed: int, instance: Instance) -> Iterator[str]:
    if volume_key(instance.name, "key") is not None and needed <= _LARGEST_VOLUME_GB:
        yield "raise its volume_gb"
    elif job.step == "ShardImages":
        yield "take more hosts"


def _less(job: Job, work: Work, room: float) -> Iterator[str]:
    """For a training job, what its hosts need not store."""
    if job.use != "training":
        return
    sharded = "ShardedByS3Key"
    for names, validation in (
        ("distribution", ""),
        ("distribution and validation_distribution", sharded),
    ):
        if (size := stored_gb(with_records(job, "File", sharded, validation), work)) <= room:
            yield f"set {names} to {sharded} ({size:,} GB)"
            break
    streamed = with_records(job, "FastFile", "FullyReplicated")
    if (size := stored_gb(streamed, work)) <= room:
        yield f"set input_mode to FastFile ({size:,} GB)"
