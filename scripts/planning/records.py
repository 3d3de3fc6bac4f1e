"""TrainModel as it is set, with its records brought to the hosts in each way that there is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from infra.costs import Job, Prices, StepCost, step_cost
from infra.costs.durations import Work, copied_bytes
from infra.costs.job import Channel
from infra.costs.storage import room_gb, stored_gb, with_records

WAYS = (
    ("File", "FullyReplicated"),
    ("File", "ShardedByS3Key"),
    ("FastFile", "FullyReplicated"),
    ("FastFile", "ShardedByS3Key"),
)
"""Input modes with distributions of the training channel; of equal ones the first is meant."""

# Less is within what the rates were measured to.
_NOTABLE = 0.02


@dataclass(frozen=True)
class Way:
    """One way, and what it takes.

    Attributes:
        stored_gb: of records on each host.
        fits: each host has room for them.
        copying_seconds: until each host has them, before which training does not start.
        cost: of the step; where the volume that is set is too small, on one that is not.
    """

    input_mode: str
    distribution: str
    is_set: bool
    stored_gb: int
    fits: bool
    copying_seconds: float
    cost: StepCost

    @property
    def name(self) -> str:
        """As the settings have it."""
        return f"input_mode {self.input_mode} and distribution {self.distribution}"

    @property
    def remarks(self) -> str:
        """What is to be said of it in a table."""
        said = ["as it is set"] if self.is_set else []
        return ", ".join(said if self.fits else [*said, "! more than a host has"])


def ways(job: Job, work: Work, prices: Prices, region: str) -> tuple[Way, ...]:
    """All ways of a training job, in the order of `WAYS`."""
    return tuple(_ways(job, work, prices, region))


def _ways(job: Job, work: Work, prices: Prices, region: str) -> Iterator[Way]:
    now, instance = job.channels.get("train", Channel()), prices.instance(job.instance)
    for mode, distribution in WAYS:
        other = with_records(job, mode, distribution)
        size = stored_gb(other, work)
        large = replace(other, volume_gb=max(job.volume_gb, size))
        yield Way(
            input_mode=mode,
            distribution=distribution,
            is_set=now == Channel(mode, distribution),
            stored_gb=size,
            fits=size <= room_gb(job, instance),
            copying_seconds=copied_bytes(other, work) / instance.network_bytes,
            cost=step_cost(large, work, prices, prices.region(region)),
        )


def cheapest(found: Sequence[Way]) -> str:
    """Which way is, in a sentence; empty where nothing tells what they cost."""
    priced = [(way.cost.usd, way) for way in found if way.cost.usd is not None]
    now = next((usd for usd, way in priced if way.is_set), 0.0)
    if not now:
        return ""
    least, way = min(priced, key=lambda one: one[0])
    if 1 - least / now <= _NOTABLE:
        return f"What is set costs least, or within {_NOTABLE:.0%} of it."
    return f"Cheapest is {way.name}: {1 - least / now:.0%} less than what is set."
