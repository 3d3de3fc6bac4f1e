"""Can a model's probabilities be taken at their word?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

BINS = 15
# A class that the model gives no chance would make the mean infinite.
_SMALLEST = 1e-7


@dataclass(frozen=True)
class Bin:
    """Predictions whose probability is above `above` and at most `to`.

    Attributes:
        probability: their mean; None without records.
        accuracy: the part of them that is right; None without records.
    """

    above: float
    to: float
    records: int
    probability: float | None
    accuracy: float | None


def calibration(probability: np.ndarray, right: np.ndarray) -> tuple[float, list[Bin]]:
    """Expected calibration error, and the 15 bins of equal width that it is made from.

    Guo et al. 2017, equations 2 and 3: https://arxiv.org/abs/1706.04599

    Args:
        probability: [n], of the predicted class.
        right: bool [n].
    """
    probability = probability.astype(np.float64)
    numbers = np.clip(np.ceil(probability * BINS).astype(np.int64) - 1, 0, BINS - 1)
    bins, error = [], 0.0
    for number in range(BINS):
        inside = numbers == number
        records = int(inside.sum())
        mean = float(probability[inside].mean()) if records else None
        accuracy = float(right[inside].mean()) if records else None
        bins.append(Bin(number / BINS, (number + 1) / BINS, records, mean, accuracy))
        if mean is not None and accuracy is not None:
            error += records / len(right) * abs(accuracy - mean)
    return error, bins


def calibration_metrics(
    probability: np.ndarray, right: np.ndarray, truth: np.ndarray, brier: np.ndarray
) -> dict[str, Any]:
    """As `evaluation.json` has them.

    The negative log-likelihood is the mean in nats, each probability taken as at least 1e-7; the
    Brier score is the mean of the sum over classes, 0 to 2, as Brier had it in 1950:
    https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2

    Args:
        truth: [n], probability of the true class.
        brier: [n], see `Outcomes`.
    """
    error, bins = calibration(probability, right)
    likely = np.maximum(truth.astype(np.float64), _SMALLEST)
    return {
        "expected_calibration_error": error,
        "negative_log_likelihood": float(-np.log(likely).mean()),
        "brier_score": float(brier.mean()),
        "bins": [asdict(each) for each in bins],
    }
