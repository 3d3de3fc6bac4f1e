"""How many instances a policy asks for, as in AWS's own examples."""

import pytest

from rehearsal.autoscaling.capacity import stepped, tracked


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
    steps = [step for step in steps if step["ScalingAdjustment"]]
    configuration = {"AdjustmentType": "PercentChangeInCapacity", "StepAdjustments": steps}
    assert stepped(current, above, configuration) == wanted


def test_a_change_and_an_exact_number_are_taken_as_they_are():
    one = [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]
    assert stepped(0, 0.5, {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": one}) == 1
    assert stepped(5, 0.5, {"AdjustmentType": "ExactCapacity", "StepAdjustments": one}) == 1
