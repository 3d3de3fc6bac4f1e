"""One step on 1, 2, 4, ... instances of a type: where more stop paying, where bigger are better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.costs import StepCost

COUNTS = (1, 2, 4, 8, 16, 32, 64)
# Less is within what the rates were measured to.
_NOTABLE = 0.02


@dataclass(frozen=True)
class Row:
    """A step on some instances.

    Attributes:
        workers: training workers of the whole run that this makes.
        usd_per_hour_saved: what an hour less costs against the row before; None for the first, and
            where no time is saved.
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
        return self.cost.seconds or 0.0

    @property
    def usd(self) -> float:
        return self.cost.usd or 0.0


@dataclass(frozen=True)
class Scaling:
    """A step on one type of instances; no rows where nothing tells its speed (see `why`)."""

    step: str
    instance: str
    rows: tuple[Row, ...]
    why: str = ""

    @property
    def knee(self) -> Row | None:
        """The row of least seconds x USD: beyond it, time falls by less than money rises."""
        return min(self.rows, key=lambda row: row.seconds * row.usd, default=None)


def scaling(
    costs: Sequence[StepCost], workers: Sequence[int], limits: Sequence[tuple[str, ...]]
) -> Scaling:
    """Rows of costs of one step and type, by the number of instances."""
    unknown = next((cost.why for cost in costs if cost.seconds is None), "")
    if unknown or not costs:
        return Scaling(costs[0].step, costs[0].instance, (), unknown)
    rows: list[Row] = []
    for cost, count, against in zip(costs, workers, limits, strict=True):
        seconds, usd = cost.seconds or 0.0, cost.usd or 0.0
        before = rows[-1] if rows else None
        saved = before.seconds - seconds if before else 0.0
        rows.append(
            Row(
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


def bigger_instead(smaller: Scaling, bigger: Scaling, size: float) -> str | None:
    """A sentence where bigger instances beat more of the smaller ones, None where they don't.

    Args:
        size: how many of the smaller ones one of the bigger is, by vCPUs or GPUs.
    """
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
