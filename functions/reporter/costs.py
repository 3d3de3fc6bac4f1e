"""What jobs cost, by the prices that the function was deployed with."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from .executions import Job

_HOUR = 3600


@dataclass(frozen=True)
class Prices:
    """On-demand prices of instances.

    Attributes:
        date: day that the table is of.
        usd_per_hour: by instance type, of one Region.
    """

    date: str = ""
    usd_per_hour: dict[str, float] = field(default_factory=dict)

    @classmethod
    def from_json(cls, text: str, region: str) -> "Prices":
        """Of a Region, of `{"date": …, "usd_per_hour": {<Region>: {<instance type>: 0.115}}}`."""
        content = json.loads(text)
        return cls(content["date"], content["usd_per_hour"].get(region, {}))

    def cost(self, jobs: Iterable[Job]) -> "Cost":
        """Volumes, storage and requests are left out: a few per cent of the instances."""
        usd = seconds = 0.0
        count = 0
        without: set[str] = set()
        for job in jobs:
            count += 1
            seconds += job.instance_seconds
            price = self.usd_per_hour.get(job.instance_type)
            if price is None:
                without.add(job.instance_type)
            else:
                usd += job.instance_seconds * price / _HOUR
        return Cost(usd, seconds, count, tuple(sorted(without)), self.date)


@dataclass(frozen=True)
class Cost:
    """What a number of jobs cost.

    Attributes:
        seconds: billed, of all instances together.
        without_price: instance types that no price is known of; they are counted with 0.
    """

    usd: float
    seconds: float
    jobs: int
    without_price: tuple[str, ...] = ()
    date: str = ""

    def __str__(self) -> str:
        counted = f"{self.jobs} job{'s' * (self.jobs != 1)}, {self.seconds:,.0f} instance seconds"
        if self.without_price:
            types = " and ".join(self.without_price)
            return f"{_money(self.usd)} without {types}, of no known price ({counted})"
        return f"{_money(self.usd)} ({counted}; prices of {self.date})"


def _money(usd: float) -> str:
    # A small run costs less than a cent.
    return f"USD {usd:,.2f}" if usd >= 1 else f"USD {usd:.4f}"
