"""Metrics against numbers worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from training.evaluation.answers import Answers
from training.evaluation.inputs import Model, Models, Serving
from training.evaluation.metrics import classification_metrics, confusion_matrix
from training.evaluation.predictor import Outcomes
from training.evaluation.results import confusion_table, draw_confusion_matrix, evaluation


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
        draw_confusion_matrix(matrix, labels, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "other.png").read_bytes()


def outcomes(predicted: np.ndarray) -> Outcomes:
    half = np.full(len(predicted), 0.5)
    return Outcomes(predicted, half, half, half)


def test_the_table_has_what_is_not_0_of_both_models_matrices():
    labels = np.array([0, 0, 0, 1])
    candidate, serving = outcomes(np.array([0, 1, 1, 1])), outcomes(np.array([0, 0, 2, 1]))
    answers = Answers(list("abcd"), labels, candidate, serving, [])
    assert confusion_table(answers, ["a", "b, or c", "d"]) == (
        "label,predicted,records,serving_records\n"
        "a,a,1,2\n"
        'a,"b, or c",2,0\n'
        "a,d,0,1\n"
        '"b, or c","b, or c",1,1\n'
    )
    alone = Answers(list("abcd"), labels, candidate, None, [])
    assert confusion_table(alone, ["a", "b, or c"]).splitlines()[:2] == [
        "label,predicted,records",
        "a,a,1",
    ]


@pytest.mark.parametrize(("classes", "written_out"), [(100, True), (101, False), (1000, False)])
def test_the_evaluation_of_many_classes_is_a_file_that_pipelines_read(
    tmp_path, classes, written_out
):
    names = [f"a class whose name is rather long {number}" for number in range(classes)]
    random = np.random.default_rng(1)
    labels = np.arange(50_000) % classes
    guesses = [outcomes(random.integers(0, classes, len(labels))) for _ in range(2)]
    answers = Answers([""] * len(labels), labels, *guesses, mistakes=[])
    model = Model("model", tmp_path, tuple(names), 32)

    found = evaluation(answers, Models(model, Serving("endpoint", "arn", model)), 32)

    assert len(json.dumps(found, ensure_ascii=False, indent=1).encode()) < 2_000_000
    for each in (found, found["serving"]):
        metrics = each["multiclass_classification_metrics"]
        assert ("confusion_matrix" in metrics) == written_out
        assert metrics["accuracy"]["value"] > 0
