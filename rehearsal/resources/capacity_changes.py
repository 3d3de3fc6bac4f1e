"""From UpdateEndpointWeightsAndCapacities to what the backend changes:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpointWeightsAndCapacities.html
"""

from __future__ import annotations

from collections.abc import Sequence

from rehearsal.backends import Capacity
from rehearsal.errors import validation
from rehearsal.resources.context import Record


def resolve(endpoint: Record, wanted: Sequence[Record]) -> dict[str, Capacity]:
    """What each variant shall have, by its name.

    Args:
        endpoint: the endpoint's record.

    Raises:
        ApiError: ValidationException, there is no such variant, or it can't have that.
    """
    variants = {each["VariantName"]: each for each in endpoint.get("ProductionVariants", [])}
    return {each["VariantName"]: _capacity(endpoint, variants, each) for each in wanted}


def _capacity(endpoint: Record, variants: dict[str, Record], wanted: Record) -> Capacity:
    name, count = wanted["VariantName"], wanted.get("DesiredInstanceCount")
    if name not in variants:
        raise validation(f"The endpoint {endpoint['EndpointName']} has no variant {name}.")
    if "CurrentServerlessConfig" in variants[name]:
        if count is not None or "ServerlessUpdateConfig" in wanted:
            raise validation(
                f"The variant {name} is serverless: the rehearsal changes its concurrency by a new "
                "endpoint configuration only."
            )
    elif count == 0 and not endpoint.get("AsyncInferenceConfig"):
        raise validation(
            f"The variant {name} can't have 0 instances: only that of an asynchronous endpoint can."
        )
    return Capacity(wanted.get("DesiredWeight"), count)
