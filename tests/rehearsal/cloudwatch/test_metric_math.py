"""Expressions of metrics, period by period."""

import pytest

from rehearsal.cloudwatch import metric_math

METRICS = {"m1": {0: 4.0, 60: 6.0}, "m2": {0: 2.0, 120: 5.0}, "zero": {0: 0.0}}


def worked_out(expression, **others):
    begins = [0, 60, 120]
    return metric_math.evaluate({"e": expression, **others}, METRICS, begins)["e"]


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("m1 / m2 * 100", {0: 200.0}),
        ("(m1 + 1) ^ 2", {0: 25.0, 60: 49.0}),
        ("-m1", {0: -4.0, 60: -6.0}),
        ("FILL(m1, 0) + FILL(m2, 0)", {0: 6.0, 60: 6.0, 120: 5.0}),
        ("FILL(m1, REPEAT)", {0: 4.0, 60: 6.0, 120: 6.0}),
        ("IF(m1 > 5 AND m1 < 9, 1, 0)", {0: 0.0, 60: 1.0, 120: 0.0}),
        ("SUM([m1, m2])", {0: 6.0, 60: 6.0, 120: 5.0}),
        ('MAX(METRICS("m"))', {0: 4.0, 60: 6.0, 120: 5.0}),
        ("m1 / zero", {}),
    ],
)
def test_an_expression_is_worked_out_where_its_values_are(expression, values):
    assert worked_out(expression) == values


def test_an_expression_may_name_another():
    assert worked_out("later * 2", later="m1 + 1") == {0: 10.0, 60: 14.0}


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("m1 +", "is no metric math"),
        ("m9 + 1", "names m9, which is no id"),
        ("SEARCH(m1)", "has no SEARCH"),
        ("__import__('os')", "has no __import__"),
        ("m1.real", "has no m1.real"),
        ("e + 1", "name each other"),
    ],
)
def test_what_it_cannot_work_out_is_refused_in_a_sentence(expression, sentence):
    with pytest.raises(ValueError, match=sentence):
        metric_math.check({"e": expression}, ["m1"])
