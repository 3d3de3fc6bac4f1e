"""Percentiles of weighted values:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

from __future__ import annotations

from collections.abc import Sequence


def percentile(samples: Sequence[tuple[float, float]], percent: float) -> float:
    """As if each value were there as often as its weight says, and linear between two ranks.

    Args:
        samples: values and their weights; at least one.
        percent: 0 to 100.
    """
    ordered = sorted(samples)
    rank = max(sum(weight for _, weight in ordered) - 1, 0) * percent / 100
    lower, part = int(rank), rank % 1
    low, seen = None, 0.0
    for value, weight in ordered:
        seen += weight
        if low is None and lower < seen:
            low = value
        if lower + 1 < seen and low is not None:
            return low + part * (value - low)
    return ordered[-1][0] if low is None else low
