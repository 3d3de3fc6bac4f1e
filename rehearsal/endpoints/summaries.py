"""Variants as DescribeEndpoint shows them:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantSummary.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rehearsal.backends import Variant


def status(name: str, message: str) -> dict[str, Any]:
    """Args:
    name: `Creating`, `Updating`, `Deleting`, `ActivatingTraffic` or `Baking`.
    """
    return {"Status": name, "StatusMessage": message, "StartTime": _now()}


def summary(
    variant: Variant,
    *,
    current_instance_count: int | None = None,
    variant_status: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A `ProductionVariantSummary`; all its instances are there unless a count is given."""
    wanted = 0 if variant.serverless else variant.instance_count
    current = wanted if current_instance_count is None else current_instance_count
    time = _now()
    found: dict[str, Any] = {
        "VariantName": variant.name,
        "DeployedImages": [
            {
                "SpecifiedImage": variant.image,
                "ResolvedImage": variant.image,
                "ResolutionTime": time,
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


def _now() -> datetime:
    return datetime.now(UTC)
