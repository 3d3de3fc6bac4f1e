"""CheckQuality: is the model good enough to be offered to a person?"""

from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
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
    """Accuracy at or above `AccuracyThreshold` leads to `register`, anything else to `reject`."""
    accuracy = JsonGet(
        step_name=evaluation.name,
        property_file=evaluation_file(),
        json_path="multiclass_classification_metrics.accuracy.value",
    )
    return ConditionStep(
        name="CheckQuality",
        description="Compares the accuracy on the test channel with AccuracyThreshold",
        conditions=[
            ConditionGreaterThanOrEqualTo(left=accuracy, right=wiring.parameters.accuracy_threshold)
        ],
        if_steps=[register],
        else_steps=[reject],
    )
