"""From data points to a state, as the tables of AWS's documentation have it."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.cloudwatch.alarms import Rule, percentile, state, window

BREACH, GOOD, NONE = 9.0, 1.0, None


def rule(evaluation_periods=3, datapoints=3, missing="missing", **more):
    return Rule(
        **{
            "comparison": "GreaterThanThreshold",
            "threshold": 5.0,
            "period_seconds": 60,
            "evaluation_periods": evaluation_periods,
            "datapoints_to_alarm": datapoints,
            "missing": missing,
            "statistic": "Average",
        }
        | more
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # missing, ignore, breaching, notBreaching; "as before" is OK here. Newest first.
        ([GOOD, BREACH, GOOD], ("OK", "OK", "OK", "OK")),
        ([BREACH, BREACH, BREACH], ("ALARM", "ALARM", "ALARM", "ALARM")),
        ([GOOD, NONE, NONE], ("OK", "OK", "OK", "OK")),
        ([NONE, NONE, NONE], ("INSUFFICIENT_DATA", "OK", "ALARM", "OK")),
        ([NONE, NONE, BREACH], ("ALARM", "OK", "ALARM", "OK")),
        ([BREACH, NONE, NONE], ("OK", "OK", "ALARM", "OK")),
    ],
)
def test_missing_data_are_treated_as_the_alarm_says(values, expected):
    treatments = ("missing", "ignore", "breaching", "notBreaching")
    assert tuple(state(rule(missing=t), values, "OK") for t in treatments) == expected


def test_two_breaches_out_of_three_are_enough_where_the_alarm_says_so():
    assert state(rule(datapoints=2), [BREACH, GOOD, BREACH], "OK") == "ALARM"
    assert state(rule(datapoints=2), [BREACH, GOOD, GOOD], "ALARM") == "OK"


def test_a_breach_in_the_period_under_way_counts_at_once():
    seen = window(rule(1, 1), {0: GOOD, 60: BREACH}, now=61.0)
    assert (seen.begins, seen.values) == ([60], [BREACH])


def test_a_good_value_of_the_period_under_way_waits_for_its_end():
    assert window(rule(1, 1), {0: BREACH, 60: GOOD}, now=61.0).values == [BREACH]
    assert window(rule(1, 1), {0: BREACH, 60: GOOD}, now=120.0).values == [GOOD]


def test_a_sum_that_may_still_grow_is_not_too_small_yet():
    too_few = rule(1, 1, comparison="LessThanThreshold", statistic="Sum")
    assert window(too_few, {0: BREACH, 60: GOOD}, now=61.0).values == [BREACH]
    too_low = rule(1, 1, comparison="LessThanThreshold", statistic="Average")
    assert window(too_low, {0: BREACH, 60: GOOD}, now=61.0).values == [GOOD]


def test_an_alarm_looks_no_further_back_than_its_evaluation_periods():
    assert window(rule(1, 1), {0: BREACH}, now=121.0).values == [NONE]


@given(
    samples=st.lists(st.tuples(st.floats(0, 1e6), st.integers(1, 5)), min_size=2, max_size=20),
    percent=st.integers(1, 99),
)
def test_a_percentile_is_that_of_the_values_written_out(samples, percent):
    written_out = [value for value, weight in samples for _ in range(weight)]
    cuts = statistics.quantiles(written_out, n=100, method="inclusive")
    assert percentile(samples, percent) == pytest.approx(cuts[percent - 1], rel=1e-6, abs=1e-6)


def test_one_value_is_every_percentile():
    assert percentile([(7.0, 1.0)], 99) == 7.0
