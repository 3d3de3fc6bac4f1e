"""How many instances a policy asks for, as in AWS's own examples."""

import pytest

from rehearsal.autoscaling.scaler import stepped, tracked


@pytest.mark.parametrize(
    ("current", "value", "wanted"), [(1, 100.0, 1), (1, 101.0, 2), (2, 350.0, 7), (3, 0.0, 0)]
)
def test_each_instance_gets_at_most_its_target(current, value, wanted):
    assert tracked(current, value, target=100.0) == wanted


# https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
OUT = [
    {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 0},
    {"MetricIntervalLowerBound": 10, "MetricIntervalUpperBound": 20, "ScalingAdjustment": 10},
    {"MetricIntervalLowerBound": 20, "ScalingAdjustment": 30},
]
IN = [
    {"MetricIntervalUpperBound": 0, "MetricIntervalLowerBound": -10, "ScalingAdjustment": 0},
    {"MetricIntervalUpperBound": -10, "MetricIntervalLowerBound": -20, "ScalingAdjustment": -10},
    {"MetricIntervalUpperBound": -20, "ScalingAdjustment": -30},
]


@pytest.mark.parametrize(
    ("current", "above", "steps", "wanted"),
    [
        (10, 5.0, OUT, 10),
        (10, 10.0, OUT, 11),
        (11, 20.0, OUT, 14),
        (10, -10.0, IN, 9),
        (10, -20.0, IN, 7),
        (10, 5.0, [], 10),
    ],
)
def test_a_percentage_is_rounded_towards_zero_but_never_to_nothing(current, above, steps, wanted):
    configuration = {"AdjustmentType": "PercentChangeInCapacity", "StepAdjustments": steps}
    assert stepped(current, above, configuration, downwards=steps is IN) == wanted


def test_no_change_is_none_in_percent_too():
    steps = [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 0}]
    configuration = {"AdjustmentType": "PercentChangeInCapacity", "StepAdjustments": steps}
    assert stepped(4, 5.0, configuration, downwards=False) == 4
    assert stepped(4, 5.0, configuration | {"MinAdjustmentMagnitude": 2}, downwards=False) == 4


@pytest.mark.parametrize(("downwards", "wanted"), [(True, 3), (False, 5)])
def test_on_the_threshold_itself_the_side_of_the_alarm_decides(downwards, wanted):
    steps = [
        {"MetricIntervalUpperBound": 0, "ScalingAdjustment": -1},
        {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1},
    ]
    configuration = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps}
    assert stepped(4, 0.0, configuration, downwards=downwards) == wanted


def test_a_change_and_an_exact_number_are_taken_as_they_are():
    one = [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]
    for kind, current in (("ChangeInCapacity", 0), ("ExactCapacity", 5)):
        configuration = {"AdjustmentType": kind, "StepAdjustments": one}
        assert stepped(current, 0.5, configuration, downwards=False) == 1
