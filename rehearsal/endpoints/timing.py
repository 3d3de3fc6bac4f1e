"""How often the endpoints' background work looks and writes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """All in seconds. AWS states the ping's timeout and publishes metrics by the minute; the rest
    is the rehearsal's own, as AWS documents no numbers.

    Attributes:
        ping_timeout:
            https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
        missed_pings: in a row, after which a model server counts as hung and is replaced.
        idle: after the last request, until a serverless variant's server ends.
    """

    ping_every: float = 5.0
    ping_timeout: float = 2.0
    missed_pings: int = 4
    idle: float = 300.0
    alarms_every: float = 1.0
    metrics_every: float = 2.0
    capture_every: float = 2.0
