"""Metrics against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.confusion_matrix import draw
from training.evaluation.metrics import classification_metrics, confusion_matrix


def test_metrics_of_a_small_matrix_are_those_worked_out_by_hand():
    matrix = np.array([[3, 1, 0], [0, 4, 0], [2, 0, 0]])
    metrics = classification_metrics(matrix, ["a", "b", "c"])
    whole = metrics["multiclass_classification_metrics"]
    assert whole["accuracy"]["value"] == pytest.approx(7 / 10)
    assert whole["weighted_recall"]["value"] == pytest.approx(7 / 10)
    assert whole["weighted_precision"]["value"] == pytest.approx((4 * 3 / 5 + 4 * 4 / 5) / 10)
    assert whole["weighted_f1"]["value"] == pytest.approx((4 * 2 / 3 + 4 * 8 / 9) / 10)
    assert whole["accuracy_best_constant_classifier"]["value"] == pytest.approx(4 / 10)
    first = {"records": 4, "precision": 3 / 5, "recall": 3 / 4, "f1": pytest.approx(2 / 3)}
    assert metrics["by_class"]["a"] == first
    assert metrics["by_class"]["c"] == {"records": 2, "precision": 0.0, "recall": 0.0, "f1": 0.0}
    assert whole["confusion_matrix"]["a"] == {"a": 3, "b": 1, "c": 0}


def test_the_matrix_counts_each_record_in_its_true_and_predicted_class():
    matrix = confusion_matrix(np.array([0, 0, 2, 0]), np.array([1, 1, 0, 0]), 3)
    assert matrix.tolist() == [[1, 2, 0], [0, 0, 0], [1, 0, 0]]


def test_the_picture_is_the_same_again_and_takes_any_label(tmp_path):
    labels = ["$a$_{b}", "é 日本", *(f"class {number}" for number in range(48))]
    matrix = np.arange(2500).reshape(50, 50)
    for name in ("one.png", "other.png"):
        draw(matrix, labels, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "other.png").read_bytes()
