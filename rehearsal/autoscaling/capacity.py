"""How many instances a policy asks for."""

from __future__ import annotations

import math
from typing import Any

Record = dict[str, Any]


def tracked(current: int, value: float, target: float) -> int:
    """So many that each has at most its target:
    https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html

    :param current: instances, over which `value` is the average.
    """
    return math.ceil(current * value / target)


def stepped(current: int, above: float, configuration: Record) -> int:
    """https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html

    :param above: the metric less the alarm's threshold.
    :param configuration: a `StepScalingPolicyConfiguration`.
    :returns: `current` where no step fits.
    """
    for step in configuration.get("StepAdjustments") or []:
        if _fits(above, step):
            return _adjusted(current, step["ScalingAdjustment"], configuration)
    return current


def _fits(above: float, step: Record) -> bool:
    """Its bound on the alarm's side of zero belongs to it, the other does not."""
    low = step.get("MetricIntervalLowerBound", -math.inf)
    high = step.get("MetricIntervalUpperBound", math.inf)
    return bool(low <= above < high if above >= 0 else low < above <= high)


def _adjusted(current: int, adjustment: int, configuration: Record) -> int:
    match configuration.get("AdjustmentType"):
        case "ExactCapacity":
            return adjustment
        case "PercentChangeInCapacity":
            change = current * adjustment / 100
            least = configuration.get("MinAdjustmentMagnitude", 0)
            # Rounded towards zero, but a change is at least one instance.
            size = max(int(abs(change)) or 1, least)
            return current + int(math.copysign(size, adjustment))
        case _:
            return current + adjustment
