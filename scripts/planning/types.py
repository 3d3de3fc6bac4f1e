"""Which instance types a step is planned on."""

from __future__ import annotations

from infra.costs import Job, Prices

# Beside the type that is set, so many bigger ones of its family.
_BIGGER = 2


def planned_types(job: Job, named: tuple[str, ...], prices: Prices, region: str) -> tuple[str, ...]:
    """Those that were named and that the step can use, else the one that is set and the next bigger
    ones of its family. A processing step has no use for GPUs.

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


def times_as_large(small: str, big: str, prices: Prices) -> float:
    """How many of the small one the big one is, by GPUs or vCPUs; 0 for another family."""
    less, more = prices.instance(small), prices.instance(big)
    if less.family != more.family:
        return 0
    return more.gpus / less.gpus if less.gpus else more.vcpus / less.vcpus
