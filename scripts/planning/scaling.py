"""One step on 1, 2, 4, ... instances of a type: where more stop paying, where bigger are better."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.costs import Job, Prices, StepCost

COUNTS = (1, 2, 4, 8, 16, 32, 64)
# Less is within what the rates were measured to.
_NOTABLE = 0.02
# Beside the type that is set, so many bigger ones of its family.
_BIGGER = 2


@dataclass(frozen=True)
class ScalingRow:
    """A step on some instances.

    Attributes:
        workers: training workers of the whole run that this makes.
        usd_per_hour_saved: against the row before; None for the first, and where no time is saved.
        pays: whether doubling to here was worth its money: seconds x USD fell.
        limits: what stands against it, in sentences.
    """

    cost: StepCost
    workers: int
    usd_per_hour_saved: float | None
    pays: bool
    limits: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Of the step, its start included."""
        return self.cost.seconds or 0.0

    @property
    def usd(self) -> float:
        """Of all its instances."""
        return self.cost.usd or 0.0


@dataclass(frozen=True)
class Scaling:
    """A step on one type of instances; no rows where nothing tells its speed (see `why`)."""

    step: str
    instance: str
    rows: tuple[ScalingRow, ...]
    why: str = ""

    @property
    def knee(self) -> ScalingRow | None:
        """The row of least seconds x USD: beyond it, time falls by less than money rises."""
        return min(self.rows, key=lambda row: row.seconds * row.usd, default=None)


def scaling(
    costs: Sequence[StepCost], workers: Sequence[int], limits: Sequence[tuple[str, ...]]
) -> Scaling:
    """Rows of costs of one step and type, by the number of instances."""
    unknown = next((cost.why for cost in costs if cost.seconds is None), "")
    if unknown:
        return Scaling(costs[0].step, costs[0].instance, (), unknown)
    rows: list[ScalingRow] = []
    for cost, count, against in zip(costs, workers, limits, strict=True):
        seconds, usd = cost.seconds or 0.0, cost.usd or 0.0
        before = rows[-1] if rows else None
        saved = before.seconds - seconds if before else 0.0
        rows.append(
            ScalingRow(
                cost=cost,
                workers=count,
                usd_per_hour_saved=(
                    (usd - before.usd) / saved * 3600 if before and saved > 0 else None
                ),
                pays=before is None or seconds * usd < before.seconds * before.usd,
                limits=against,
            )
        )
    return Scaling(costs[0].step, costs[0].instance, tuple(rows))


def bigger_instead(smaller: Scaling, bigger: Scaling, prices: Prices) -> str | None:
    """A sentence where bigger instances beat more of the smaller ones, None where they don't."""
    size = _times_as_large(smaller.instance, bigger.instance, prices)
    if size <= 1:
        return None
    by_count = {row.cost.count: row for row in bigger.rows}
    for more in smaller.rows:
        fewer = by_count.get(int(more.cost.count / size))
        if fewer is None or more.cost.count % size or more.limits:
            continue
        faster, cheaper = 1 - fewer.seconds / more.seconds, 1 - fewer.usd / more.usd
        if min(faster, cheaper) >= -0.001 and max(faster, cheaper) > _NOTABLE:
            return (
                f"{smaller.step}: {fewer.cost.count} x {bigger.instance} in place of "
                f"{more.cost.count} x {smaller.instance} takes {faster:.0%} less time and "
                f"{cheaper:.0%} less money: take bigger ones before more."
            )
    return None


def planned_types(job: Job, named: tuple[str, ...], prices: Prices, region: str) -> tuple[str, ...]:
    """The types that a step is planned on; a processing step has no use for GPUs.

    Args:
        named: those of them that the step can use; without any, the one that is set and the next
            bigger ones of its family.

    Raises:
        PriceError: the price table lacks one that was named.
    """
    usable = prices.types(region, job.use)
    for name in named:
        prices.hour(name, region, prices.instance(name).uses[0])
    if named:
        kept = [name for name in named if name in usable]
        if job.use == "processing":
            kept = [name for name in kept if not prices.instance(name).gpus]
        return tuple(kept) or (job.instance,)
    now = prices.instance(job.instance)
    siblings = sorted(
        (prices.instance(name) for name in usable if prices.instance(name).family == now.family),
        key=lambda instance: (instance.gpus, instance.vcpus),
    )
    bigger = [each.name for each in siblings if each.vcpus > now.vcpus]
    return (job.instance, *bigger[:_BIGGER])


def _times_as_large(small: str, big: str, prices: Prices) -> float:
    """How many of the small one the big one is, by GPUs or vCPUs; 0 for another family."""
    less, more = prices.instance(small), prices.instance(big)
    if less.family != more.family:
        return 0
    return more.gpus / less.gpus if less.gpus else more.vcpus / less.vcpus
