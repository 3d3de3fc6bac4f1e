"""Rates out of recorded runs, and those that are assumed; docs/planning.md says which and why."""

import statistics
from collections.abc import Iterable, Sequence

from infra.assembly import Definition
from infra.costs import Prices, Rates, jobs_of
from infra.costs.rates import Measured, Sharding, Training
from infra.costs.records import encoding_seconds
from scripts.console import CommandError
from scripts.planning.recorded import RecordedRun, Report

# With fewer, CreateManifests' time tells of its start alone.
TELLING_OBJECTS = 100_000


def measured_rates(runs: Sequence[RecordedRun], known: Rates, prices: Prices) -> Rates:
    """The rates of runs on the same machine; what they can't tell is taken from `known`.

    Args:
        runs: at least one; of the same step the last one counts, and ShardImages is fitted through
            all of them.

    Raises:
        CommandError: a run left no record of its shards or epochs.
        PriceError: the price table lacks an instance type that a run had.
    """
    for run in runs:
        _check(run)
    last = runs[-1]
    measured = [_training(run, prices) for run in runs]
    trained = {
        (rate.network, rate.precision, rate.processor): rate
        for rate in (*known.training, *measured)
    }
    manifests_fixed, manifests_each = _manifests(last, known)
    per_image = measured[-1].validation_seconds_per_image
    testing = last.channels.get("test", 0) * per_image / _vcpus(last, "EvaluateModel", prices)
    return known.model_copy(
        update={
            "measured": _measured(runs),
            "assumed": known.assumed.model_copy(update=_waits(last)),
            "manifests_fixed_seconds": manifests_fixed,
            "manifests_seconds_per_object": manifests_each,
            "serving_model_seconds": last.jobs["FetchServingModel"].seconds,
            "sharding": _sharding(runs, known.sharding, prices),
            "training": tuple(trained.values()),
            "evaluation_fixed_seconds": max(0.0, last.jobs["EvaluateModel"].seconds - testing),
            "evaluation_vcpu_seconds_per_image": per_image,
        }
    )


def _measured(runs: Sequence[RecordedRun]) -> Measured:
    last = runs[-1]
    instances = sorted({job.instance for job in last.jobs.values()})
    return Measured(
        on=last.on,
        machine=", ".join(instances) if last.is_aws else last.machine.name,
        run="; ".join(_summary(run) for run in runs),
        is_aws=last.is_aws,
    )


def with_assumed_gpus(
    rates: Rates, assumed: Iterable[str], definition: Definition, prices: Prices
) -> Rates:
    """Rates with the speeds of GPUs that were given, for the definition's network.

    Its size and the time beside its epochs are those that were measured on another processor.

    Args:
        assumed: `KIND=IMAGES/S` each.

    Raises:
        CommandError: it is no such text, or nothing is known of the network at all.
    """
    job = jobs_of(definition)["TrainModel"].options
    known = next((rate for rate in rates.training if rate.network == job["model"]), None)
    speeds = dict(_gpu_speed(text, prices) for text in assumed)
    if speeds and known is None:
        raise CommandError(
            f"Nothing was measured of {job['model']}, not even its size: rehearse a run with it "
            "and name that with --from."
        )
    added = [
        known.model_copy(
            update={
                "processor": kind,
                "precision": job["precision"],
                "image_size": int(job["image_size"]),
                "seconds_per_image": 1 / speed,
                # A forward pass alone is about a third of a step.
                "validation_seconds_per_image": 1 / speed / 3,
                "is_measured": False,
            }
        )
        for kind, speed in speeds.items()
        if known
    ]
    return rates.model_copy(update={"training": (*rates.training, *added)})


def _gpu_speed(text: str, prices: Prices) -> tuple[str, float]:
    kind, _, speed = text.partition("=")
    kinds = sorted({each.gpu for each in prices.instances.values() if each.gpu})
    if kind not in kinds or not _is_positive(speed):
        raise CommandError(
            f"--assume-gpu {text} is no GPU's speed: write KIND=IMAGES/S with one of "
            f"{', '.join(kinds)}, e.g. T4=1500."
        )
    return kind, float(speed)


def _check(run: RecordedRun) -> None:
    if run.reports and run.training.history:
        return
    what = "reports of ShardImages" if not run.reports else "epochs in its training.json"
    raise CommandError(
        f"The execution {run.execution} has no {what}, from which rates are measured: name "
        "another run with --from."
    )


def _summary(run: RecordedRun) -> str:
    return (
        f"{run.execution.rsplit('/', 1)[1]}: {run.objects} objects of {run.mean_bytes:.0f} bytes, "
        f"ShardImages hosts: {len(run.reports)}, training workers: {run.training.workers}"
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
    """Through runs of one size the known times are scaled; through more, theirs are fitted."""
    sizes = tuple(sorted({run.mean_bytes for run in runs}))
    hosts = [_decoded(run, report, prices) for run in runs for report in run.reports]
    if len(sizes) > 1 and len(hosts) > 2:
        serial, by_object, by_byte = _fitted(hosts)
    else:
        serial, by_object, by_byte = _scaled(hosts, known)
    last = runs[-1]
    start = last.jobs["ShardImages"].seconds - max(report.seconds for report in last.reports)
    return Sharding(
        start_seconds=max(0.0, start),
        serial_seconds=serial,
        vcpu_seconds_per_object=by_object,
        vcpu_seconds_per_byte=by_byte,
        measured_bytes=sizes,
    )


def _decoded(run: RecordedRun, report: Report, prices: Prices) -> tuple[float, tuple[float, float]]:
    """Seconds of a host without its records' encoding; its objects and their bytes, by vCPU."""
    objects = (report.records + report.quarantined) / _vcpus(run, "ShardImages", prices)
    encoding = objects * encoding_seconds(report.encoding, run.training.image_size)
    return max(0.0, report.seconds - encoding), (objects, objects * run.mean_bytes)


Hosts = Sequence[tuple[float, tuple[float, float]]]


def _scaled(hosts: Hosts, known: Sharding) -> tuple[float, float, float]:
    times = (known.serial_seconds, known.vcpu_seconds_per_object, known.vcpu_seconds_per_byte)
    predicted = sum(times[0] + objects * times[1] + size * times[2] for _, (objects, size) in hosts)
    factor = sum(seconds for seconds, _ in hosts) / predicted
    serial, by_object, by_byte = (factor * each for each in times)
    return serial, by_object, by_byte


def _fitted(hosts: Hosts) -> tuple[float, float, float]:
    """By least squares, none of them negative."""
    # Take as long to import as all the rest of the command.
    import numpy as np  # noqa: PLC0415 - see above
    from scipy.optimize import nnls  # noqa: PLC0415 - see above

    rows = np.array([[1.0, *work] for _, work in hosts])
    # Columns of one magnitude, as bytes are a hundred thousand times objects.
    scale = rows.max(axis=0)
    times, _ = nnls(rows / scale, np.array([seconds for seconds, _ in hosts]))
    serial, by_object, by_byte = (float(each) for each in times / scale)
    return serial, by_object, by_byte


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


def _is_positive(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False
