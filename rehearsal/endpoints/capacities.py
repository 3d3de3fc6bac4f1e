"""A variant's weight and instances: as DescribeEndpoint shows them, and others while it serves.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantSummary.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpointWeightsAndCapacities.html
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rehearsal.backends import Capacity, Variant
from rehearsal.endpoints.errors import FleetError
from rehearsal.endpoints.fleet import Fleet


def summary(
    variant: Variant,
    *,
    current_instance_count: int | None = None,
    variant_status: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A `ProductionVariantSummary`; all its instances are there unless a count is given."""
    wanted = 0 if variant.serverless else variant.instance_count
    current = wanted if current_instance_count is None else current_instance_count
    found: dict[str, Any] = {
        "VariantName": variant.name,
        "DeployedImages": [
            {
                "SpecifiedImage": variant.image,
                "ResolvedImage": variant.image,
                "ResolutionTime": datetime.now(UTC),
            }
        ],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
        "CurrentInstanceCount": 0 if variant.serverless else current,
    }
    if variant.serverless:
        config = {
            "MemorySizeInMB": variant.serverless.memory_megabytes,
            "MaxConcurrency": variant.serverless.maximum_concurrency,
        }
        found |= {"CurrentServerlessConfig": config, "DesiredServerlessConfig": config}
    else:
        found["DesiredInstanceCount"] = wanted
    return found | ({"VariantStatus": [variant_status]} if variant_status else {})


def change_capacities(fleet: Fleet, capacities: Mapping[str, Capacity]) -> dict[str, Any]:
    """Once the fleet has them, `ProductionVariants`; with a `FailureReason` where it has not."""
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
