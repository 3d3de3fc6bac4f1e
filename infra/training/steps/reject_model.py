"""RejectModel: ends the execution and says why."""

from sagemaker.core.workflow.functions import Join
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.steps import ProcessingStep

from infra.training.steps.evaluate_model import METRICS_FILE, OUTPUT
from infra.training.steps.jobs import output_uri
from infra.training.wiring import Wiring


def reject_model(wiring: Wiring, *, evaluation: ProcessingStep) -> FailStep:
    """An error message with both thresholds and where the metrics are."""
    return FailStep(
        name="RejectModel",
        description="Ends the execution as the model is not accurate enough, or less so than the "
        "one that is served",
        error_message=Join(
            values=[
                "The model was not registered: its accuracy on the test channel is below "
                "AccuracyThreshold (",
                wiring.parameters["accuracy_threshold"],
                "), or further below that of the model that is served than MaximumAccuracyLoss (",
                wiring.parameters["maximum_accuracy_loss"],
                "); both models' metrics are in ",
                output_uri(evaluation.properties, OUTPUT),
                f"/{METRICS_FILE}.",
            ]
        ),
    )
