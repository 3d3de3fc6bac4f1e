"""Rates out of recorded runs: docs/planning.md says which and why."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from infra.costs import Prices, Rates
from infra.costs.rates import Measured, Sharding, Training
from scripts.commands.console import CommandError
from scripts.planning.recorded import RecordedRun

# With fewer, CreateManifests' time tells of its start alone.
TELLING_OBJECTS = 100_000


def measured_rates(runs: Sequence[RecordedRun], known: Rates, prices: Prices) -> Rates:
    """The rates of runs on the same machine; what they can't tell is taken from `known`.

    :param runs: at least one; of the same step the last one counts, and ShardImages is fitted
        through all of them.
    :raises CommandError: a run left no record of its shards or epochs.
    :raises PriceError: the price table lacks an instance type that a run had.
    """
    for run in runs:
        if not run.reports or not run.training.history:
            what = "reports of ShardImages" if not run.reports else "epochs in its training.json"
            raise CommandError(
                f"The execution {run.execution} has no {what}, from which rates are measured: name "
                "another run with --from."
            )
    last = runs[-1]
    jobs = last.jobs
    trained = {_key(rate): rate for rate in known.training}
    trained |= {_key(rate): rate for rate in (_training(run, prices) for run in runs)}
    manifests = _manifests(last, known)
    images = trained[_key(_training(last, prices))].validation_seconds_per_image
    tested = last.channels.get("test", 0)
    return known.model_copy(
        update={
            "measured": Measured(
                on=last.on,
                machine=_machine(last),
                run="; ".join(_told(run) for run in runs),
                is_aws=last.is_aws,
            ),
            "assumed": known.assumed.model_copy(update=_waits(last)),
            "manifests_fixed_seconds": manifests[0],
            "manifests_seconds_per_object": manifests[1],
            "serving_model_seconds": jobs["FetchServingModel"].seconds,
            "sharding": _sharding(runs, known.sharding, prices),
            "training": tuple(trained.values()),
            "evaluation_fixed_seconds": max(
                0.0,
                jobs["EvaluateModel"].seconds
                - tested * images / _vcpus(last, "EvaluateModel", prices),
            ),
            "evaluation_vcpu_seconds_per_image": images,
        }
    )


def _key(rate: Training) -> tuple[str, str, str]:
    return rate.network, rate.precision, rate.processor


def _machine(run: RecordedRun) -> str:
    if not run.is_aws:
        return run.machine.name
    return ", ".join(sorted({job.instance for job in run.jobs.values()}))


def _told(run: RecordedRun) -> str:
    return (
        f"{run.execution.rsplit('/', 1)[1]}: {run.objects} objects of {run.mean_bytes:.0f} bytes, "
        f"{len(run.reports)} ShardImages hosts, {run.training.workers} training workers"
    )


def _vcpus(run: RecordedRun, step: str, prices: Prices) -> float:
    """What one host of a step had; in a rehearsal its share of the machine."""
    job = run.jobs[step]
    if run.machine.cores is not None:
        return run.machine.cores / job.count
    return prices.instance(job.instance).vcpus


def _waits(run: RecordedRun) -> dict[str, float]:
    """A rehearsal starts a job in no time, and listing, downloads and links are this machine's."""
    if not run.is_aws:
        return {}
    return {"start_up_seconds": statistics.median(job.waiting_seconds for job in run.jobs.values())}


def _manifests(run: RecordedRun, known: Rates) -> tuple[float, float]:
    """Fixed seconds, and seconds by object."""
    seconds = run.jobs["CreateManifests"].seconds
    if run.is_aws:
        seconds -= run.objects / known.assumed.listed_per_second
    if run.objects < TELLING_OBJECTS:
        each = known.manifests_seconds_per_object
        return max(0.0, seconds - run.objects * each), each
    fixed = known.manifests_fixed_seconds
    return fixed, max(0.0, seconds - fixed) / run.objects


def _sharding(runs: Sequence[RecordedRun], known: Sharding, prices: Prices) -> Sharding:
    """Through one point the known line is scaled; through more, theirs is fitted."""
    points = {run.mean_bytes: _decoding(run, prices) for run in runs}
    base, slope = _line(points) if len(points) > 1 else _scaled(points, known)
    last = runs[-1]
    fixed = last.jobs["ShardImages"].seconds - max(report.seconds for report in last.reports)
    return Sharding(
        fixed_seconds=max(0.0, fixed),
        vcpu_seconds_per_object=base,
        vcpu_seconds_per_byte=slope,
        measured_bytes=tuple(sorted(points)),
    )


def _decoding(run: RecordedRun, prices: Prices) -> float:
    """Seconds of one vCPU by object."""
    seconds = sum(report.seconds for report in run.reports)
    files = sum(report.records + report.quarantined for report in run.reports)
    return seconds * _vcpus(run, "ShardImages", prices) / max(1, files)


def _scaled(points: dict[float, float], known: Sharding) -> tuple[float, float]:
    [(size, seconds)] = points.items()
    factor = seconds / (known.vcpu_seconds_per_object + size * known.vcpu_seconds_per_byte)
    return known.vcpu_seconds_per_object * factor, known.vcpu_seconds_per_byte * factor


def _line(points: dict[float, float]) -> tuple[float, float]:
    slope, base = statistics.linear_regression(list(points), list(points.values()))
    if slope < 0:
        return statistics.fmean(points.values()), 0.0
    if base < 0:
        # Through the origin: no object takes less than no time.
        squares = sum(size**2 for size in points)
        return 0.0, sum(size * seconds for size, seconds in points.items()) / squares
    return base, slope


def _training(run: RecordedRun, prices: Prices) -> Training:
    """Medians over the epochs, so that the first one's compilation falls under the fixed time."""
    training, gpu = run.training, None
    if run.is_aws:
        gpu = prices.instance(run.jobs["TrainModel"].instance).gpu
    count = run.channels.get("train", 0)
    each = [
        training.workers * (1 - epoch["communication_share"]) / epoch["images_per_second"]
        for epoch in training.history
    ]
    validating = [
        max(0.0, epoch["seconds"] - count / epoch["images_per_second"])
        for epoch in training.history
    ]
    epochs = [epoch["seconds"] for epoch in training.history]
    per_worker = 1.0 if gpu else _vcpus(run, "TrainModel", prices) / training.workers_per_host
    validated = max(1, run.channels.get("validation", 0))
    fixed = run.jobs["TrainModel"].seconds - len(epochs) * statistics.median(epochs)
    return Training(
        network=training.network,
        image_size=training.image_size,
        precision=training.precision,
        processor=gpu or "cpu",
        seconds_per_image=statistics.median(each) * per_worker,
        validation_seconds_per_image=statistics.median(validating)
        * training.workers
        * per_worker
        / validated,
        gradient_bytes=training.parameters * 4,
        fixed_seconds=max(0.0, fixed),
    )
