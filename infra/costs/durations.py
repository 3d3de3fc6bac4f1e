"""How long a step works, from measured rates: docs/planning.md has the formulas."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.costs.job import Channel, Job
from infra.costs.prices import Instance
from infra.costs.rates import Rates, Training
from infra.costs.records import INDEX_BYTES, RecordFormat

# Bytes/s between workers of one host, as `./scripts/bench training` measured.
LOOPBACK_BYTES = 1e9


@dataclass(frozen=True)
class Workload:
    """The dataset of a run, and what it is started with.

    Attributes:
        objects: image files in all channels together.
        mean_bytes: mean size of a file.
        parameters: of the execution, instead of the definition's defaults, e.g. {"Epochs": 5}.
    """

    objects: int
    mean_bytes: float
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises a ValueError where there are no objects, or no bytes."""
        if self.objects < 1 or self.mean_bytes <= 0:
            raise ValueError(
                f"A workload of {self.objects} objects of {self.mean_bytes:g} bytes is none: give "
                "at least one object with at least one byte"
            )


# What estimates are of where no other workload is given, as ./scripts/plan takes one.
EXAMPLE = Workload(objects=1_000_000, mean_bytes=110_000)


class NoRateError(Exception):
    """Nothing was measured that would tell how long a step takes; the message says what."""


@dataclass(frozen=True)
class Split:
    """Objects by channel."""

    train: int
    validation: int
    test: int

    @classmethod
    def of(cls, objects: int, manifests: Job) -> "Split":
        """As CreateManifests splits that many objects."""
        validation = round(objects * float(manifests.options["validation_fraction"]))
        test = round(objects * float(manifests.options["test_fraction"]))
        return cls(max(1, objects - validation - test), validation, test)


@dataclass(frozen=True)
class Work:
    """What a step needs to know of the run that it is in."""

    workload: Workload
    split: Split
    record: RecordFormat
    rates: Rates


Parts = Mapping[str, float]


def working_parts(job: Job, work: Work, instance: Instance) -> Parts:
    """Seconds of a step from the start of its instances to its end, by part.

    Raises:
        NoRateError: nothing was measured for such a step, network or GPU.
    """
    if job.step not in _STEPS:
        raise NoRateError(f"no rate is known of a step {job.step}")
    return _STEPS[job.step](job, work, instance)


def _manifests(job: Job, work: Work, instance: Instance) -> Parts:
    # Serial but for its listing, so that more vCPUs change nothing.
    objects, rates = work.workload.objects, work.rates
    return {
        "fixed": rates.manifests_fixed_seconds,
        "listing": objects / rates.assumed.listed_per_second,
        "split": objects * rates.manifests_seconds_per_object,
    }


def _serving_model(job: Job, work: Work, instance: Instance) -> Parts:
    return {"fixed": work.rates.serving_model_seconds}


def _shards(job: Job, work: Work, instance: Instance) -> Parts:
    rates, mean = work.rates.sharding, work.workload.mean_bytes
    objects = math.ceil(work.workload.objects / job.count)
    files_per_second = work.rates.assumed.files_per_second
    each = rates.vcpu_seconds_per_object + mean * rates.vcpu_seconds_per_byte
    return {
        "fixed": rates.start_seconds + rates.serial_seconds,
        # SageMaker brings all files before the container starts.
        "download": max(objects * mean / instance.network_bytes, objects / files_per_second),
        "decoding": objects * each / instance.vcpus,
        "encoding": objects * work.record.encoding_seconds / instance.vcpus,
        "upload": objects * work.record.bytes / instance.network_bytes,
    }


def _training(job: Job, work: Work, instance: Instance) -> Parts:
    rate = training_rate(job, work, instance)
    on_host = int(job.options["workers_per_host"])
    workers, batch = job.count * on_host, int(job.options["batch_size"])
    epochs = int(job.options["epochs"])
    one = _processors_per_worker(on_host, instance, rate)
    steps = math.ceil(work.split.train / (workers * batch)) * epochs
    validated = math.ceil(work.split.validation / (workers * batch)) * batch * epochs
    # The workers of a host share its network; those of one alone need none.
    among = instance.network_bytes if job.count > 1 else max(instance.network_bytes, LOOPBACK_BYTES)
    link = Machine("link", work.rates.assumed.latency_seconds, among)
    halved = 0.5 if job.options["gradient_compression"] != "none" else 1.0
    gradients = rate.gradient_bytes * halved
    computing = steps * batch * rate.seconds_per_image / one
    validation = validated * rate.validation_seconds_per_image / one
    # A host reads the records of its own workers, while these compute.
    streaming = epochs * streamed_bytes(job, work) / instance.network_bytes
    return {
        "fixed": rate.fixed_seconds,
        "download": copied_bytes(job, work) / instance.network_bytes,
        "computing": computing,
        "communication": steps * allreduce_seconds(gradients, workers, link),
        "validation": validation,
        "waiting for S3": max(0.0, streaming - computing - validation),
    }


def copied_bytes(job: Job, work: Work) -> float:
    """Records, and the index of all, that each host of a training job gets before it starts."""
    index = INDEX_BYTES / work.record.bytes if "index" in job.channels else 0.0
    found = 0.0
    for name, size in _record_bytes(work).items():
        share = job.channels.get(name, Channel()).stored_share(job.count)
        # A record's size has its part of the index, of which every host has all.
        found += size * (share + (1 - share) * index)
    return found


def streamed_bytes(job: Job, work: Work) -> float:
    """Records that each host of a training job reads from S3 in an epoch."""
    return sum(
        size / job.count
        for name, size in _record_bytes(work).items()
        if job.channels.get(name, Channel()).input_mode != "File"
    )


def _record_bytes(work: Work) -> Mapping[str, float]:
    """By channel of a training job."""
    return {
        "train": work.split.train * work.record.bytes,
        "validation": work.split.validation * work.record.bytes,
    }


@dataclass(frozen=True)
class Machine:
    """One kind of link between workers.

    Attributes:
        latency: seconds from one worker to the next.
        bandwidth: bytes/s of a worker's link.
    """

    name: str
    latency: float
    bandwidth: float


def allreduce_seconds(gradient_bytes: float, workers: int, machine: Machine) -> float:
    """How long workers take to add up their gradients by a ring allreduce, on paper.

    Of G bytes over n workers it takes 2 (n - 1) latencies and moves 2 (n - 1) / n x G bytes through
    each worker's link (https://doi.org/10.1016/j.jpdc.2008.09.002).
    """
    moved = 2 * (workers - 1) / workers * gradient_bytes / machine.bandwidth
    return 2 * (workers - 1) * machine.latency + moved


def training_rate(job: Job, work: Work, instance: Instance) -> Training:
    """The rate of a training job's network, carried to its size of images by their area.

    Raises:
        NoRateError: it wasn't measured on such a processor.
    """
    network, precision = job.options["model"], job.options["precision"]
    processor = instance.gpu or "cpu"
    rate = work.rates.training_of(network, precision, processor)
    if rate is None:
        where = f"the GPU {processor}" if instance.gpu else "CPUs"
        raise NoRateError(
            f"no rate of {network} in {precision} on {where} was measured, and one processor's "
            "speed tells nothing of another's"
        )
    area = (work.record.image_size / rate.image_size) ** 2
    return rate.model_copy(
        update={
            "image_size": work.record.image_size,
            "seconds_per_image": rate.seconds_per_image * area,
            "validation_seconds_per_image": rate.validation_seconds_per_image * area,
        }
    )


def _processors_per_worker(on_host: int, instance: Instance, rate: Training) -> float:
    """vCPUs, or GPUs, that one worker computes with; less than one where it shares a GPU."""
    if rate.processor == "cpu":
        return instance.vcpus / on_host
    return min(1.0, instance.gpus / on_host)


def _evaluation(job: Job, work: Work, instance: Instance) -> Parts:
    rates = work.rates
    return {
        "fixed": rates.evaluation_fixed_seconds,
        "download": work.split.test * work.record.bytes / instance.network_bytes,
        "computing": work.split.test * rates.evaluation_vcpu_seconds_per_image / instance.vcpus,
    }


_STEPS: Mapping[str, Callable[[Job, Work, Instance], Parts]] = {
    "CreateManifests": _manifests,
    "FetchServingModel": _serving_model,
    "ShardImages": _shards,
    "TrainModel": _training,
    "EvaluateModel": _evaluation,
}
