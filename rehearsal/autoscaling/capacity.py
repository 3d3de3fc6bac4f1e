"""How many instances a policy asks for."""

from __future__ import annotations

import math
from typing import Any

Record = dict[str, Any]


def tracked(current: int, value: float, target: float) -> int:
    """So many that each has at most its target:
    https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html

    Args:
        current: instances, over which `value` is the average.
    """
    return math.ceil(current * value / target)


def stepped(current: int, above: float, configuration: Record, *, downwards: bool) -> int:
    """https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html

    Args:
        above: the metric less the alarm's threshold.
        configuration: a `StepScalingPolicyConfiguration`.
        downwards: the alarm goes off below its threshold.

    Returns:
        `current` where no step fits.
    """
    for step in configuration.get("StepAdjustments") or []:
        if _fits(above, step, downwards=downwards):
            return _adjusted(current, step["ScalingAdjustment"], configuration)
    return current


def _fits(above: float, step: Record, *, downwards: bool) -> bool:
    """Above the threshold the lower bound belongs to a step and the upper does not, below it the
    upper and not the lower; on the threshold itself the alarm's own side decides.
    """
    low = step.get("MetricIntervalLowerBound", -math.inf)
    high = step.get("MetricIntervalUpperBound", math.inf)
    below = above < 0 or (above == 0 and downwards)
    return bool(low < above <= high if below else low <= above < high)


def _adjusted(current: int, adjustment: int, configuration: Record) -> int:
    match configuration.get("AdjustmentType"):
        case "ExactCapacity":
            return adjustment
        case "PercentChangeInCapacity":
            if not adjustment:
                return current
            change = current * adjustment / 100
            least = configuration.get("MinAdjustmentMagnitude", 0)
            # Rounded towards zero, but a change is at least one instance.
            size = max(int(abs(change)) or 1, least)
            return current + int(math.copysign(size, adjustment))
        case _:
            return current + adjustment
