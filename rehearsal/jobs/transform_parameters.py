"""How a container is asked: what the job says, what the container says, AWS's defaults.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

_CONCURRENCY, _PAYLOAD_MEGABYTES = 1, 6
_TIMEOUT_SECONDS, _RETRIES = 600, 3
_STRATEGIES = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}

Record = dict[str, Any]


@dataclass(frozen=True)
class Parameters:
    """Attributes:
    concurrency: requests at a time on one instance.
    payload_megabytes: the most of one request; 0, without a limit.
    """

    concurrency: int
    payload_megabytes: int
    timeout_seconds: float
    retries: int


def variables(request: Record) -> dict[str, str]:
    """The environment variables of the container beside the model's own."""
    found = dict(request.get("Environment", {})) | {"SAGEMAKER_BATCH": "true"}
    if "MaxPayloadInMB" in request:
        found["SAGEMAKER_MAX_PAYLOAD_IN_MB"] = str(request["MaxPayloadInMB"])
    if "BatchStrategy" in request:
        found["SAGEMAKER_BATCH_STRATEGY"] = _STRATEGIES[request["BatchStrategy"]]
    if "MaxConcurrentTransforms" in request:
        found["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] = str(request["MaxConcurrentTransforms"])
    return found


def of(request: Record, answered: bytes | None) -> Parameters:
    """Args:
    answered: what the container says to `GET /execution-parameters`; None, nothing.
    """
    own = _own(answered)
    client = request.get("ModelClientConfig", {})
    # 0 leaves it to the container, as an absent member does.
    concurrency = request.get("MaxConcurrentTransforms") or own.get("MaxConcurrentTransforms")
    default = own.get("MaxPayloadInMB", _PAYLOAD_MEGABYTES)
    return Parameters(
        concurrency=max(int(concurrency or _CONCURRENCY), 1),
        payload_megabytes=int(request.get("MaxPayloadInMB", default)),
        timeout_seconds=float(client.get("InvocationsTimeoutInSeconds", _TIMEOUT_SECONDS)),
        retries=int(client.get("InvocationsMaxRetries", _RETRIES)),
    )


def _own(answered: bytes | None) -> dict[str, int]:
    try:
        found = json.loads(answered or b"{}")
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, int)}
