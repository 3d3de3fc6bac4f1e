"""Metrics of a confusion matrix, in AWS's schema of model quality.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

MOST_CLASSES_WITH_MATRIX = 100
"""A matrix is as large as their number squared, and `evaluation.json` is a property file, which
Pipelines reads for its conditions: there is a limit, 2 MB as people say, of which AWS has no page.
"""


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """int64 [true class, predicted class].

    Args:
        labels: int64 [n], encoded.
        predicted: int64 [n], encoded.
    """
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (labels, predicted), 1)
    return matrix


def classification_metrics(matrix: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    """Accuracy; precision, recall and F1 (weighted by class size, and by class); of up to 100
    classes the matrix itself.

    Args:
        matrix: int64 [true class, predicted class].
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
