"""CreateManifests: lists the complete drops and deals each object out to one channel, for ever."""

from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.mlops.workflow.steps import ProcessingStep

from infra import names
from infra.training.steps.jobs import (
    command_line,
    job_retries,
    lineage_uri,
    processor,
    to_s3,
    working_uri,
)
from infra.training.wiring import Wiring

LINEAGE = "lineage"
DATASET_FILE = "dataset.json"


def create_manifests(wiring: Wiring) -> ProcessingStep:
    """Outputs `manifests` (three, and `labels.json`) and `lineage`; has the network, to list S3."""
    parameters = wiring.parameters
    job = processor(
        wiring,
        image=wiring.images.processing,
        role_arn=wiring.roles.processing,
        module="processing.create_manifests",
        settings=wiring.settings.manifests,
        isolated=False,
    )
    return ProcessingStep(
        name="CreateManifests",
        description="Deals the objects of all complete drops out to train, validation and test",
        step_args=job.run(
            arguments=command_line(
                drops=f"s3://{wiring.buckets.drops}/{names.DROPS}",
                lineage=f"s3://{wiring.buckets.artifacts}/{names.LINEAGE}",
                execution_id=ExecutionVariables.PIPELINE_EXECUTION_ID,
                drop_id=parameters["drop_id"],
                validation_fraction=parameters["validation_fraction"],
                test_fraction=parameters["test_fraction"],
                minimum_per_class_and_channel=parameters["minimum_per_class_and_channel"],
                class_share_drift=wiring.settings.manifests.class_share_drift,
                seed=parameters["seed"],
            ),
            outputs=[
                to_s3("manifests", working_uri(wiring.buckets, "manifests")),
                to_s3(LINEAGE, lineage_uri(wiring.buckets)),
            ],
        ),
        retry_policies=job_retries(),
    )
