"""Metrics against numbers worked out by hand: of one model, of its probabilities, of two models."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from training.evaluation.answers import MOST, Answers, Mistake, worst
from training.evaluation.inputs import Model, Models, Serving
from training.evaluation.metrics import (
    calibration,
    calibration_metrics,
    classification_metrics,
    compare,
    confusion_matrix,
)
from training.evaluation.predictor import Classes, Outcomes, all_classes
from training.evaluation.results import (
    confusion_table,
    draw_confusion_matrix,
    draw_reliability_diagram,
    evaluation,
)


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


# Bins of 1/15: 0.9 and 0.92 lie in the 14th, (0.8667, 0.9333]; 0.5 in the 8th, (0.4667, 0.5333].
PROBABILITY = np.array([0.9, 0.92, 0.5, 0.5])
RIGHT = np.array([True, False, True, True])


def test_the_error_is_the_mean_distance_of_accuracy_and_probability():
    error, _ = calibration(PROBABILITY, RIGHT)
    assert error == pytest.approx(2 / 4 * abs(0.5 - 0.91) + 2 / 4 * abs(1.0 - 0.5))


def test_a_model_that_means_what_it_says_has_no_error():
    error, _ = calibration(np.full(10, 0.7), np.arange(10) < 7)
    assert error == pytest.approx(0, abs=1e-12)


def test_each_record_is_in_one_bin_and_empty_bins_have_no_mean():
    _, bins = calibration(PROBABILITY, RIGHT)
    assert [each["records"] for each in bins] == [0] * 7 + [2] + [0] * 5 + [2, 0]
    assert bins[13]["probability"] == pytest.approx(0.91)
    assert bins[13]["accuracy"] == 0.5
    assert bins[0]["probability"] is bins[0]["accuracy"] is None


def test_a_probability_on_an_edge_belongs_to_the_bin_below_and_0_to_the_first():
    _, bins = calibration(np.array([0.0, 0.2, 1.0]), np.ones(3, bool))
    assert [each["records"] for each in bins] == [1, 0, 1, *[0] * 11, 1]


def test_likelihood_and_brier_score_are_means_over_records():
    truth, brier = np.array([0.9, 0.08, 0.5, 0.0]), np.array([0.02, 1.6928, 0.5, 1.5])
    metrics = calibration_metrics(PROBABILITY, RIGHT, truth, brier)
    expected = -(math.log(0.9) + math.log(0.08) + math.log(0.5) + math.log(1e-7)) / 4
    assert metrics["negative_log_likelihood"] == pytest.approx(expected)
    assert metrics["brier_score"] == pytest.approx((0.02 + 1.6928 + 0.5 + 1.5) / 4)


def test_the_diagram_is_the_same_again(tmp_path):
    bins = calibration_metrics(PROBABILITY, RIGHT, PROBABILITY, PROBABILITY)["bins"]
    for name in ("one.png", "other.png"):
        draw_reliability_diagram({"this model": bins, "serving model": bins}, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "other.png").read_bytes()
    draw_reliability_diagram({"this model": bins}, tmp_path / "alone.png")
    assert (tmp_path / "one.png").read_bytes() != (tmp_path / "alone.png").read_bytes()


EVERY = all_classes(("cat", "dog"), ("dog", "fish"))


def test_classes_are_matched_by_name_and_the_evaluated_models_come_first():
    assert EVERY == ["cat", "dog", "fish"]


def test_a_model_is_judged_by_its_own_columns_in_its_own_order():
    probabilities = np.array([[0.75, 0.25], [0.75, 0.25], [0.25, 0.75]], np.float32)
    labels = np.array([1, 0, 1])

    outcomes = Classes(EVERY, ("dog", "fish")).outcomes(probabilities, labels)

    assert outcomes.predicted.tolist() == [1, 1, 2]
    assert outcomes.probability.tolist() == [0.75, 0.75, 0.75]
    assert outcomes.right(labels).tolist() == [True, False, False]
    # It knows no cat.
    assert outcomes.truth.tolist() == [0.75, 0.0, 0.25]
    assert outcomes.brier.tolist() == pytest.approx(
        [0.25**2 + 0.25**2, 0.75**2 + 0.25**2 + 1, 0.75**2 + 0.75**2]
    )


def test_nothing_is_lost_where_none_serves():
    labels = np.array([0, 1])
    comparison = compare(labels, np.array([False, False]), None, ["cat", "dog"])
    assert comparison == {"accuracy_loss": 0.0, "recall_loss_by_class": {}, "right": None}


def test_losses_are_over_all_and_by_class_and_say_who_was_right():
    labels = np.array([0, 0, 0, 1, 1])
    right = np.array([True, False, False, True, False])
    served = np.array([True, True, True, False, False])

    comparison = compare(labels, right, served, ["cat", "dog", "fish"])

    assert comparison["accuracy_loss"] == pytest.approx(1 / 5)
    assert comparison["recall_loss_by_class"] == {"cat": 2 / 3, "dog": -1 / 2, "fish": 0.0}
    assert comparison["right"] == {
        "both": 1,
        "only_evaluated": 1,
        "only_serving": 2,
        "neither": 1,
    }


def test_a_loss_of_exactly_the_tolerance_is_no_more_than_it():
    right, served = np.arange(100) < 96, np.arange(100) < 97
    loss = compare(np.zeros(100, np.int64), right, served, ["cat"])["accuracy_loss"]
    assert loss <= 0.01
    assert 0.97 - 0.96 > 0.01


def test_the_worst_mistakes_do_not_depend_on_who_found_them_first():
    image = np.zeros([1, 1, 3], np.uint8)
    found = [Mistake(f"{n:03}", 0, 1, 0.5 + n % 5 / 10, image) for n in range(120)]
    chosen = [mistake.key for mistake in worst(found)]
    assert chosen == [mistake.key for mistake in worst([*worst(found[60:]), *worst(found[:60])])]
    assert len(chosen) == MOST
    assert chosen[:2] == ["004", "009"]
