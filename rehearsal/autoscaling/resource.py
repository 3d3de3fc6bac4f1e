"""What is scaled: the instances of an endpoint's variant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from rehearsal.backends import Call
from rehearsal.errors import ApiError

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_RESOURCE = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")


@dataclass(frozen=True)
class VariantName:
    endpoint: str
    variant: str


@dataclass(frozen=True)
class Capacity:
    """Attributes:
    status: of the endpoint, e.g. `InService`.
    """

    desired: int
    current: int
    status: str


def variant(request: dict[str, Any]) -> VariantName:
    """The variant that a request or record of Application Auto Scaling names.

    Raises:
        ApiError: it names something else.
    """
    match = _RESOURCE.fullmatch(request["ResourceId"])
    if match is None or request["ScalableDimension"] != DIMENSION:
        raise ApiError(
            "ValidationException",
            f"The rehearsal scales {DIMENSION} of endpoint/<name>/variant/<name>, and not "
            f"{request['ScalableDimension']} of {request['ResourceId']}.",
        )
    return VariantName(match[1], match[2])


def capacity(call: Call, name: VariantName) -> Capacity:
    """Raises:
    ApiError: the endpoint or variant is not there.
    """
    endpoint = call("DescribeEndpoint", {"EndpointName": name.endpoint})
    for found in endpoint.get("ProductionVariants") or []:
        if found["VariantName"] == name.variant:
            return Capacity(
                desired=found["DesiredInstanceCount"],
                current=found["CurrentInstanceCount"],
                status=endpoint["EndpointStatus"],
            )
    raise ApiError(
        "ValidationException",
        f"The endpoint {name.endpoint} has no variant {name.variant} in service: name one that "
        "it has.",
    )


def set_capacity(call: Call, name: VariantName, instances: int) -> None:
    """Raises:
    ApiError: SageMaker refuses, e.g. while the endpoint is updated.
    """
    wanted = {"VariantName": name.variant, "DesiredInstanceCount": instances}
    call(
        "UpdateEndpointWeightsAndCapacities",
        {"EndpointName": name.endpoint, "DesiredWeightsAndCapacities": [wanted]},
    )
