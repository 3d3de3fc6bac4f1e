"""The model beside the one that serves now, on the same records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def compare(
    labels: np.ndarray, right: np.ndarray, served_right: np.ndarray | None, names: Sequence[str]
) -> dict[str, Any]:
    """What the evaluated model loses against the serving one; less than 0 where it is better.

    Args:
        labels: int64 [n], encoded.
        right: bool [n], of the evaluated model.
        served_right: bool [n]; None where no model serves, so that nothing is lost.
        names: class labels by their encoding.
    """
    if served_right is None:
        return {"accuracy_loss": 0.0, "recall_loss_by_class": {}, "right": None}
    losses = served_right.astype(np.int64) - right
    sizes = np.bincount(labels, minlength=len(names))
    by_class = np.zeros(len(names), np.int64)
    np.add.at(by_class, labels, losses)
    return {
        # From counts: the difference of two rounded accuracies may be just above a tolerance.
        "accuracy_loss": int(losses.sum()) / len(labels),
        "recall_loss_by_class": {
            name: int(by_class[number]) / max(1, int(sizes[number]))
            for number, name in enumerate(names)
        },
        "right": {
            "both": int((right & served_right).sum()),
            "only_evaluated": int((right & ~served_right).sum()),
            "only_serving": int((~right & served_right).sum()),
            "neither": int((~right & ~served_right).sum()),
        },
    }
