import math
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from functions.drift.comparison import (
    by_chance,
    least_distance,
    shares,
    total_variation,
)

COUNTS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 10**9), min_size=1)
CLOSE = 1e-9


def counted(counts):
    assume(sum(counts.values()))
    return shares(counts)


@given(COUNTS)
def test_shares_add_up_to_one(counts):
    assert math.isclose(math.fsum(counted(counts).values()), 1)


@given(COUNTS)
def test_shares_are_at_no_distance_from_themselves(counts):
    assert total_variation(counted(counts), counted(counts)) == 0


@given(COUNTS, COUNTS)
def test_the_distance_is_the_same_from_both_ends_and_from_0_to_1(one, other):
    distance = total_variation(counted(one), counted(other))
    assert 0 <= distance <= 1
    assert math.isclose(distance, total_variation(counted(other), counted(one)))


@given(COUNTS, COUNTS, COUNTS)
def test_no_way_round_is_shorter(one, other, third):
    one, other, third = counted(one), counted(other), counted(third)
    way_round = total_variation(one, third) + total_variation(third, other)
    assert total_variation(one, other) <= way_round + CLOSE


@given(COUNTS, COUNTS)
def test_no_set_of_classes_has_shares_that_differ_by_more_than_the_distance(one, other):
    """What the total variation distance is by definition: the largest such difference."""
    one, other = counted(one), counted(other)
    more = [label for label in one if one[label] > other.get(label, 0)]
    largest = math.fsum(one[label] - other.get(label, 0) for label in more)
    assert math.isclose(total_variation(one, other), largest, abs_tol=CLOSE)


def test_shares_without_a_class_in_common_are_at_distance_1():
    assert total_variation({"cat": 0.4, "dog": 0.6}, {"cow": 1.0}) == 1


@given(st.integers(1, 10**6), st.integers(1, 1000))
def test_chance_explains_less_with_more_answers_and_more_with_more_classes(answers, classes):
    assert by_chance(answers + 1, classes) < by_chance(answers, classes)
    assert by_chance(answers, classes + 1) > by_chance(answers, classes)


@pytest.mark.parametrize("weights", [[1] * 10, [97, 1, 1, 1], [1, 1], [2**n for n in range(12)]])
@pytest.mark.parametrize("answers", [20, 200])
def test_samples_are_further_off_than_chance_explains_as_rarely_as_it_says(weights, answers):
    source = random.Random(1)
    labels = [str(number) for number in range(len(weights))]
    real = shares(dict(zip(labels, weights, strict=True)))
    bound = by_chance(answers, len(labels), confidence=0.9)
    samples = 400
    beyond = 0
    for _ in range(samples):
        drawn = source.choices(labels, weights, k=answers)
        seen = shares({label: drawn.count(label) for label in labels})
        beyond += total_variation(seen, real) > bound
    assert beyond <= samples * 0.1


def test_what_chance_explains_is_no_drift():
    assert least_distance(0.2, 0.3) == 0
    assert least_distance(0.5, 0.25) == 0.25
