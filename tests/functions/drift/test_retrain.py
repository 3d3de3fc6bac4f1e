import pytest

from functions.drift.retrain import asked_as, handler

PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/shardwise-prod-0a1b2c3d/3"


def test_a_request_says_which_package_drifted_as_no_drop_could():
    assert asked_as(PACKAGE) == "drift/shardwise-prod-0a1b2c3d/3"


@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA"])
def test_an_alarm_that_ends_asks_for_nothing(state):
    event = {"detail": {"alarmName": "drift", "state": {"value": state}}}
    assert handler(event, None) is None  # there is nobody to ask
