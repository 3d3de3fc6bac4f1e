"""Calibration against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.evaluation.metrics import calibration, calibration_metrics
from training.evaluation.results import draw_reliability_diagram

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
    assert [each.records for each in bins] == [0] * 7 + [2] + [0] * 5 + [2, 0]
    assert bins[13].probability == pytest.approx(0.91)
    assert bins[13].accuracy == 0.5
    assert bins[0].probability is bins[0].accuracy is None


def test_a_probability_on_an_edge_belongs_to_the_bin_below_and_0_to_the_first():
    _, bins = calibration(np.array([0.0, 0.2, 1.0]), np.ones(3, bool))
    assert [each.records for each in bins] == [1, 0, 1, *[0] * 11, 1]


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
