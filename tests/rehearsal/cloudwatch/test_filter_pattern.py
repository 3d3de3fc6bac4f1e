"""Filter patterns of CloudWatch Logs."""

import json

import pytest

from rehearsal.cloudwatch.filter_pattern import compiled, value_of

LINE = json.dumps(
    {
        "message": "metrics",
        "seconds": 10,
        "mean": 0.97,
        "level": "INFO",
        "error": False,
        "none": None,
        "by": {"stage": [{"p99": 12.5}]},
    }
)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        '{ $.message = "metrics" }',
        '{ $.message = "met*" }',
        "{$.message=metrics}",
        '{ $.message != "other" }',
        '{ ($.message = "metrics") && ($.mean > 0.9) }',
        '{ $.seconds = 10 && $.mean <= 0.97 || $.level = "ERROR" }',
        '{ $.level = "ERROR" || ($.level = "INFO" && $.by.stage[0].p99 >= 12.5) }',
        "{ $.error IS FALSE && $.none IS NULL && $.other NOT EXISTS }",
        '{ $.mean = "*" }',
        "{ $.message = %^met.*s$% }",
        '{ $["by"]["stage"][0]["p99"] < 13 }',
        'metrics "INFO"',
        "?ERROR ?INFO",
        "metrics -ERROR",
    ],
)
def test_these_match(pattern):
    assert compiled(pattern)(LINE)


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.message = "Metrics" }',
        '{ $.message = "metrics" && $.mean > 0.98 }',
        "{ $.message > 1 }",
        "{ $.error IS TRUE }",
        '{ $.other = "*" }',
        '{ $.other != "x" }',
        "{ $.by.stage[1].p99 > 0 }",
        "ERROR",
        "metrics -INFO",
        "?ERROR ?WARN",
    ],
)
def test_these_do_not(pattern):
    assert not compiled(pattern)(LINE)


def test_a_json_pattern_passes_over_what_is_no_json():
    assert not compiled('{ $.message = "metrics" }')("message = metrics")


@pytest.mark.parametrize(
    "pattern", ["[ip, user]", "{ $.a = 1", "{ $.a }", "{ $.a = 1 && }", "{ a = 1 }", "{ $.a ~ 1 }"]
)
def test_what_it_cannot_follow_is_refused(pattern):
    with pytest.raises(ValueError, match="filter pattern"):
        compiled(pattern)


def test_a_selector_finds_a_value():
    assert value_of("$.by.stage[0].p99", LINE) == 12.5
    assert value_of("$.by.other", LINE) is None
