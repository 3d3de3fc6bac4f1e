"""Other weights and instance counts for a fleet that serves:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpointWeightsAndCapacities.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rehearsal.backends import Capacity, Variant
from rehearsal.endpoints.errors import FleetError
from rehearsal.endpoints.fleet import Fleet
from rehearsal.endpoints.summaries import summary


def apply(fleet: Fleet, capacities: Mapping[str, Capacity]) -> dict[str, Any]:
    """Returns when the fleet has them.

    Returns:
        `ProductionVariants`, and a `FailureReason` where an instance did not come up.
    """
    reason = {}
    try:
        for name, capacity in capacities.items():
            if capacity.instance_count is not None:
                fleet.scale(name, capacity.instance_count)
    except FleetError as error:
        reason = {"FailureReason": str(error)}
    else:
        given = {name: each.weight for name, each in capacities.items()}
        fleet.weigh({name: weight for name, weight in given.items() if weight is not None})
    variants = [summary(_as_it_is(fleet, each)) for each in fleet.configuration.variants]
    return {"ProductionVariants": variants} | reason


def _as_it_is(fleet: Fleet, variant: Variant) -> Variant:
    """The variant with the weight and instances that it has now."""
    weight, count = fleet.capacity(variant.name)
    count = variant.instance_count if variant.serverless else count
    return replace(variant, weight=weight, instance_count=count)
