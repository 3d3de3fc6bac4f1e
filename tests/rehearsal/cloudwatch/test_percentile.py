"""Percentiles of weighted values."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.cloudwatch.alarms import percentile


@given(
    samples=st.lists(st.tuples(st.floats(0, 1e6), st.integers(1, 5)), min_size=2, max_size=20),
    percent=st.integers(1, 99),
)
def test_it_is_that_of_the_values_written_out(samples, percent):
    written_out = [value for value, weight in samples for _ in range(weight)]
    cuts = statistics.quantiles(written_out, n=100, method="inclusive")
    assert percentile(samples, percent) == pytest.approx(cuts[percent - 1], rel=1e-6, abs=1e-6)


def test_one_value_is_every_percentile():
    assert percentile([(7.0, 1.0)], 99) == 7.0
