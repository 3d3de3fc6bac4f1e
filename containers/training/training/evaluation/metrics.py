"""Metrics of a model: by its confusion matrix, of its probabilities, and beside what serves now.

The first are in AWS's schema of model quality:
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

MOST_CLASSES_WITH_MATRIX = 100
"""A matrix is as large as their number squared, and `evaluation.json` is a property file, which
Pipelines reads for its conditions: there is a limit, 2 MB as people say, of which AWS has no page.
"""


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """int64 [true class, predicted class], of encoded classes, each int64 [n]."""
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (labels, predicted), 1)
    return matrix


def classification_metrics(matrix: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    """Accuracy; precision, recall and F1 (weighted by class size, and by class); of up to 100
    classes the matrix itself, int64 [true class, predicted class].
    """
    sizes, predicted, right = matrix.sum(axis=1), matrix.sum(axis=0), np.diag(matrix)
    precision = _share(right, predicted)
    recall = _share(right, sizes)
    f1 = _share(2 * precision * recall, precision + recall)
    shares = sizes / sizes.sum()
    return {
        "multiclass_classification_metrics": {
            **_written_out(matrix, labels),
            "accuracy": _metric(right.sum() / sizes.sum()),
            "weighted_precision": _metric(precision @ shares),
            "weighted_recall": _metric(recall @ shares),
            "weighted_f1": _metric(f1 @ shares),
            # Of the one that always names the most frequent class.
            "accuracy_best_constant_classifier": _metric(shares.max()),
        },
        "by_class": {
            label: {
                "records": int(sizes[index]),
                "precision": float(precision[index]),
                "recall": float(recall[index]),
                "f1": float(f1[index]),
            }
            for index, label in enumerate(labels)
        },
    }


def _written_out(matrix: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    if len(labels) > MOST_CLASSES_WITH_MATRIX:
        return {}
    rows = {
        label: {other: int(value) for other, value in zip(labels, row, strict=True)}
        for label, row in zip(labels, matrix, strict=True)
    }
    return {"confusion_matrix": rows}


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    shares: np.ndarray = np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)
    return shares


def _metric(value: float) -> dict[str, float | str]:
    return {"value": float(value), "standard_deviation": "NaN"}


BINS = 15
# A class that the model gives no chance would make the mean infinite.
_SMALLEST = 1e-7


def calibration(probability: np.ndarray, right: np.ndarray) -> tuple[float, list[dict[str, Any]]]:
    """Expected calibration error, and the 15 bins of equal width that it is made from.

    A bin has the predictions whose probability is above `above` and at most `to`: their mean
    probability, and `accuracy`, the part of them that is right; both None without records.
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
        edges = {"above": number / BINS, "to": (number + 1) / BINS}
        bins.append({**edges, "records": records, "probability": mean, "accuracy": accuracy})
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
        "bins": bins,
    }


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
