"""RegisterModel: offers the model, with its metrics, for a person's approval."""

from dataclasses import dataclass
from typing import Any

from sagemaker.core.model_registry import create_model_package_from_containers
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep

from infra.training.steps.create_manifests import DATASET_FILE, LINEAGE
from infra.training.steps.evaluate_model import METRICS_FILE, OUTPUT
from infra.training.steps.jobs import below, output_uri, service_retry
from infra.training.wiring import Wiring


@dataclass(frozen=True)
class _Model:
    """The SDK's model step asks its model for nothing but the session."""

    sagemaker_session: PipelineSession


def register_model(
    wiring: Wiring,
    *,
    manifests: ProcessingStep,
    training: TrainingStep,
    evaluation: ProcessingStep,
) -> ModelStep:
    """A package in the group, pending manual approval.

    Its baseline of data quality is the execution's own `dataset.json`, whose counts by class are
    what the endpoint's answers are compared with.
    """
    model = training.properties.ModelArtifacts.S3ModelArtifacts
    session = wiring.session
    session.init_model_step_arguments(_Model(session))
    # In a PipelineSession this keeps the request instead of sending it.
    create_model_package_from_containers(
        session,
        model_package_group_name=wiring.model_package_group,
        approval_status="PendingManualApproval",
        containers=[{"Image": wiring.images.inference, "ModelDataUrl": model}],
        content_types=["image/jpeg", "image/png"],
        response_types=["application/json"],
        inference_instances=[wiring.settings.endpoint.instance_type],
        domain="COMPUTER_VISION",
        task="IMAGE_CLASSIFICATION",
        model_metrics={"ModelQuality": _statistics(evaluation, OUTPUT, METRICS_FILE)},
        drift_check_baselines={"ModelDataQuality": _statistics(manifests, LINEAGE, DATASET_FILE)},
        customer_metadata_properties={
            "DropId": wiring.parameters["drop_id"],
            "PipelineExecutionArn": ExecutionVariables.PIPELINE_EXECUTION_ARN,
        },
    )
    return ModelStep(
        name="RegisterModel",
        description="Registers the model, pending manual approval",
        step_args=session.context,
        retry_policies=[service_retry()],
    )


def _statistics(step: ProcessingStep, output: str, file: str) -> dict[str, Any]:
    uri = below(output_uri(step.properties, output), file)
    return {"Statistics": {"ContentType": "application/json", "S3Uri": uri}}
