"""The price table: what AWS asks by Region, and what its instances are."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

FILE = Path(__file__).with_name("prices.toml")
# Where settings and credentials name no Region.
DEFAULT_REGION = "us-east-1"
HOURS_PER_MONTH = 730

Use = Literal["processing", "training", "hosting"]
USES: tuple[Use, ...] = ("processing", "training", "hosting")

T = TypeVar("T")
# Instances with NVMe disks encrypt those in hardware, and SageMaker refuses a request that names a
# key for them:
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
_LOCAL_DISKS = re.compile(
    r"ml\.(g[4-9]\w*|p3dn|p[4-9]\w*|trn\d\w*|[cmrxi]\d+[a-z]*d[a-z]*|i\d\w*)\."
)


class PriceError(Exception):
    """The table has no such price; the message is one sentence with the nearest name."""


@dataclass(frozen=True)
class Instance:
    """A SageMaker instance type.

    Attributes:
        name: e.g. `ml.m5.xlarge`.
        gpu: the kind of its GPUs, None where it has none.
        disk_gb: of its own disks, which then are all that a job has; None where it has none.
        network_gbit: Gbit/s that it has at all times; small ones burst above for minutes.
        idle_watts: what it draws without load, its share of the building included.
        watts: the same at full load.
        uses: what SageMaker takes it for.
    """

    name: str
    vcpus: int
    memory_gib: float
    network_gbit: float
    gpus: int
    gpu: str | None
    disk_gb: int | None
    idle_watts: float
    watts: float
    uses: tuple[Use, ...]

    @property
    def family(self) -> str:
        """`m5` of `ml.m5.xlarge`."""
        return self.name.split(".")[1]

    @property
    def network_bytes(self) -> float:
        """Bytes/s of its network."""
        return self.network_gbit * 1e9 / 8


@dataclass(frozen=True)
class Region:
    """What things cost in a Region.

    Attributes:
        kg_co2e_per_kwh: of its grid.
        hours: USD of an instance's hour, by type.
        confirmed: the types whose price was read; the others' were derived from another Region's.
        other: USD of everything else, by name, e.g. `s3_gb_month`.
    """

    name: str
    title: str
    kg_co2e_per_kwh: float
    hours: Mapping[str, float]
    confirmed: frozenset[str]
    other: Mapping[str, float]


@dataclass(frozen=True)
class Prices:
    """The table of `prices.toml`.

    Attributes:
        date: when it was written; AWS changes prices unannounced.
        spot_discount: assumed share that managed spot training saves, 0 to 1.
    """

    date: date
    currency: str
    sources: tuple[str, ...]
    spot_discount: float
    instances: Mapping[str, Instance]
    regions: Mapping[str, Region]

    def region(self, name: str | None) -> Region:
        """A Region's prices; us-east-1's for None.

        Raises:
            PriceError: the table lacks it.
        """
        return _found(self.regions, name or DEFAULT_REGION, f"{FILE.name} has no Region")

    def instance(self, name: str) -> Instance:
        """What an instance type is.

        Raises:
            PriceError: the table lacks it.
        """
        return _found(self.instances, name, f"{FILE.name} has no instance type")

    def hour(self, instance: str, region: str | None, use: Use) -> float:
        """USD of an hour of an instance.

        Raises:
            PriceError: the table lacks the type or the Region, the Region lacks the type, or
                SageMaker doesn't take the type for this.
        """
        found, prices = self.instance(instance), self.region(region)
        if use not in found.uses:
            raise PriceError(
                f"SageMaker takes {instance} for {' and '.join(found.uses)} and not for {use}: "
                f"use another type{_nearest(self._usable(use, prices), instance)}."
            )
        return _found(prices.hours, instance, f"{FILE.name} has for {prices.name} no price of")

    def types(self, region: str | None, use: Use) -> tuple[str, ...]:
        """The instance types that `hour` knows a price of."""
        return tuple(self._usable(use, self.region(region)))

    def is_confirmed(self, instance: str, region: str | None) -> bool:
        """Whether the hour's price was read, and not derived from another Region's."""
        return instance in self.region(region).confirmed

    def _usable(self, use: Use, region: Region) -> list[str]:
        return [name for name in region.hours if use in self.instances[name].uses]


def volume_key(instance_type: str, key_arn: str) -> str | None:
    """`key_arn`, or None where the instance type has local disks, which take no key."""
    return None if _LOCAL_DISKS.match(instance_type) else key_arn


@cache
def load_prices(file: Path = FILE) -> Prices:
    """The price table."""
    content = tomllib.loads(file.read_text("utf-8"))
    instances = {
        name: _instance(name, facts, content["power"])
        for name, facts in content["instances"].items()
    }
    first = content["regions"][DEFAULT_REGION]
    return Prices(
        date=content["date"],
        currency=content["currency"],
        sources=tuple(content["sources"]),
        spot_discount=content["spot_discount"],
        instances=instances,
        regions={
            name: _region(name, region, first, instances)
            for name, region in content["regions"].items()
        },
    )


def _instance(name: str, facts: Mapping[str, Any], power: Mapping[str, Any]) -> Instance:
    gpus, gpu = facts.get("gpus", 0), facts.get("gpu")

    def watts(state: int) -> float:
        drawn = facts["vcpus"] * power["cpus"][facts["cpu"]][state]
        drawn += facts["memory_gib"] * power["watts_per_gib"]
        drawn += gpus * power["gpus"][gpu][state] if gpu else 0
        return float(drawn * power["usage_effectiveness"])

    known = {key: facts[key] for key in ("vcpus", "memory_gib", "network_gbit")}
    uses = tuple(facts.get("uses", USES))
    return Instance(
        name,
        **known,
        gpus=gpus,
        gpu=gpu,
        disk_gb=facts.get("disk_gb"),
        idle_watts=watts(0),
        watts=watts(1),
        uses=uses,
    )


def _region(
    name: str,
    region: Mapping[str, Any],
    first: Mapping[str, Any],
    instances: Mapping[str, Instance],
) -> Region:
    derived = {
        instance: round(price * region["derived"][instances[instance].family], 4)
        for instance, price in first["usd_per_hour"].items()
        if instances[instance].family in region.get("derived", {})
    }
    return Region(
        name=name,
        title=region["name"],
        kg_co2e_per_kwh=region["kg_co2e_per_kwh"],
        hours={**derived, **region["usd_per_hour"]},
        confirmed=frozenset(region["usd_per_hour"]),
        other={**first["other"], **region["other"]},
    )


def _found(known: Mapping[str, T], name: str, what: str) -> T:
    if name not in known:
        raise PriceError(f"{what} {name}{_nearest(known, name)}: add it there with its source.")
    return known[name]


def _nearest(known: Iterable[str], name: str) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0)
    return f"; the nearest is {near[0]}" if near else ""
