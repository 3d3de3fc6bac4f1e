"""What the plan rests on, said in sentences: measured, carried, assumed, left out."""

from __future__ import annotations

from collections.abc import Iterator

from infra.costs.durations import NoRateError, training_rate
from scripts.planning.plan import Plan
from scripts.planning.quantities import told_bytes

# A mean size within this factor of a measured one is near it.
_NEAR = 1.5


def notes(plan: Plan) -> Iterator[str]:
    """One sentence each."""
    yield from _rates(plan)
    yield from _carried(plan)
    yield from _assumed(plan)
    yield from _prices(plan)
    yield (
        "More instances stop paying beyond the row of least time x money: there, time falls by a "
        "smaller share than money rises. An hour saved is reckoned against the row above."
    )
    yield (
        "Carbon: watts of vCPUs, memory and GPUs at full load, the building's share and the "
        "Region's grid (by place, not by contracts); disks, network and manufacture are left out."
    )
    yield (
        "Left out: retries, waits for and losses of spare capacity, executions beside this one. "
        "How many instances of a type your account may have is told by Service Quotas and not here."
    )


def _rates(plan: Plan) -> Iterator[str]:
    measured = plan.question.rates.measured
    where = "AWS" if measured.is_aws else "a rehearsal on this kind of machine, not AWS"
    yield f"Rates: measured on {measured.on} on {measured.machine} ({where}): {measured.run}."
    if not measured.is_aws:
        yield (
            "A vCPU of AWS is taken to be as fast as one of its cores: measure a run there and "
            "name it with --from."
        )


def _carried(plan: Plan) -> Iterator[str]:
    yield (
        "ShardImages and CPU workers are taken to be faster in proportion to their vCPUs, which "
        "was measured from one core to two; small networks gain less from more threads. A GPU's "
        "speed is never carried from another processor's."
    )
    sizes, mean = plan.question.rates.sharding.measured_bytes, plan.question.workload.mean_bytes
    if not any(1 / _NEAR <= mean / size <= _NEAR for size in sizes):
        told = ", ".join(told_bytes(size) for size in sizes)
        yield (
            f"Files of {told_bytes(mean)} were not measured, only of {told}: decoding is carried "
            "along a line."
        )
    yield from _carried_network(plan)


def _carried_network(plan: Plan) -> Iterator[str]:
    job, instance = plan.jobs["TrainModel"], plan.instance(plan.jobs["TrainModel"].instance)
    try:
        training_rate(job, plan.work, instance)
    except NoRateError:
        return
    known = plan.question.rates.training_of(
        job.told["model"], job.told["precision"], instance.gpu or "cpu"
    )
    if known is None:
        return
    if known.image_size != plan.work.image_size:
        yield (
            f"{known.network} was measured on {known.image_size} x {known.image_size} pixels and "
            f"is carried to {plan.work.image_size} x {plan.work.image_size} by their number."
        )
    for rate in plan.question.rates.training:
        if not rate.is_measured:
            yield (
                f"{rate.network} on the GPU {rate.processor}: {1 / rate.seconds_per_image:,.0f} "
                "images/s were given on the command line, not measured."
            )


def _assumed(plan: Plan) -> Iterator[str]:
    assumed, measured = plan.question.rates.assumed, plan.question.rates.measured
    start = "measured" if measured.is_aws else "assumed"
    yield (
        f"Instances start within {assumed.start_up_seconds:.0f} s ({start}; not billed). Assumed: "
        f"{assumed.listed_per_second:,.0f} keys/s are listed, a host downloads "
        f"{assumed.files_per_second:,.0f} files/s at most and uses its network's whole baseline, "
        f"{assumed.latency_seconds * 1e6:.0f} us lie between two workers."
    )


def _prices(plan: Plan) -> Iterator[str]:
    prices, region = plan.question.prices, plan.question.region
    yield (
        f"Prices: infra/costs/prices.toml of {prices.date}, in USD, on demand, without taxes, free "
        "tiers or savings plans; its sources stand in it."
    )
    types = {step.instance for step in plan.current.steps}
    types |= {table.instance for table in plan.sharding + plan.training}
    reckoned = sorted(each for each in types if not prices.is_confirmed(each, region))
    if reckoned:
        yield f"Not read but reckoned from another Region's price: {', '.join(reckoned)}."
    if any(step.is_spot for step in plan.current.steps):
        yield f"Spot training is assumed to save {prices.spot_discount:.0%}."
