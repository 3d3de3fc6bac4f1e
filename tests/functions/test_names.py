"""Names that functions and the rules that send them events must spell alike."""

import pytest

from functions import shared
from functions.drift.comparison import COMPARISON
from functions.reporter.outputs import DATASET, EVALUATION
from functions.shared import EventType
from functions.starter.s3 import marker_key
from infra import names

# Rules name no detail-type of these: EventBridge's own schedule, and a command.
ELSEWHERE = {"SCHEDULED", "RUN_RELEASED"}
HEARD = sorted({name for name in vars(EventType) if name.isupper()} - ELSEWHERE)


@pytest.mark.parametrize("name", HEARD)
def test_a_function_hears_what_a_rule_sends(name):
    assert getattr(EventType, name) == getattr(names, name)


def test_drift_asks_in_the_name_that_the_rule_knows():
    assert shared.RETRAINING_SOURCE == names.RETRAINING_SOURCE


def test_a_function_reads_and_writes_where_it_may():
    assert COMPARISON == names.COMPARISON
    assert DATASET.format("*") == names.DATASETS
    assert EVALUATION.format("*") == names.EVALUATIONS
    assert marker_key("a") == f"{names.DROPS}a/{names.MARKER}"
