"""Two models with other classes, record by record."""

from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.answers import MOST, Mistake, worst
from training.evaluation.metrics import compare
from training.evaluation.predictor import Classes, all_classes

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
