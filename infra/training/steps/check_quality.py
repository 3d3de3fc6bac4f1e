"""CheckQuality: is the model good enough to be offered to a person?"""

from sagemaker.core.workflow.conditions import (
    ConditionGreaterThanOrEqualTo,
    ConditionLessThanOrEqualTo,
)
from sagemaker.core.workflow.functions import JsonGet
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.steps import ProcessingStep

from infra.training.steps.evaluate_model import evaluation_file
from infra.training.wiring import Wiring


def check_quality(
    wiring: Wiring, *, evaluation: ProcessingStep, register: ModelStep, reject: FailStep
) -> ConditionStep:
    """An accuracy of at least `AccuracyThreshold`, and at most `MaximumAccuracyLoss` below that of
    the model that is served, leads to `register`, anything else to `reject`.
    """
    parameters = wiring.parameters
    accuracy = _number(evaluation, "multiclass_classification_metrics.accuracy.value")
    loss = _number(evaluation, "comparison.accuracy_loss")
    return ConditionStep(
        name="CheckQuality",
        description="Compares the accuracy on the test channel with AccuracyThreshold and with "
        "that of the model that is served",
        conditions=[
            ConditionGreaterThanOrEqualTo(left=accuracy, right=parameters["accuracy_threshold"]),
            ConditionLessThanOrEqualTo(left=loss, right=parameters["maximum_accuracy_loss"]),
        ],
        if_steps=[register],
        else_steps=[reject],
    )


def _number(evaluation: ProcessingStep, json_path: str) -> JsonGet:
    return JsonGet(step_name=evaluation.name, property_file=evaluation_file(), json_path=json_path)
