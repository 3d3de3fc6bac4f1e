"""EvaluateModel: the model's quality on the test channel, which training never saw."""

from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep

from infra.training import locations, retries
from infra.training.steps.processing_job import ProcessingJob, from_s3, to_s3
from infra.training.wiring import Wiring

OUTPUT = "evaluation"
METRICS_FILE = "evaluation.json"


def evaluation_file() -> PropertyFile:
    """`evaluation.json`, in AWS's schema of model quality, as the pipeline can read it."""
    return PropertyFile(name="Evaluation", output_name=OUTPUT, path=METRICS_FILE)


def evaluate_model(
    wiring: Wiring, *, training: TrainingStep, shards: ProcessingStep
) -> ProcessingStep:
    """Output `evaluation`: `evaluation.json`, `confusion_matrix.png`, `predictions.jsonl`."""
    job = ProcessingJob(
        image=wiring.images.training,
        role_arn=wiring.roles.evaluation,
        module="training.evaluate_model",
        settings=wiring.settings.evaluation,
        isolated=True,
    )
    return ProcessingStep(
        name="EvaluateModel",
        description="Measures the model on the test channel",
        step_args=job.processor(wiring).run(
            inputs=[
                from_s3("model", training.properties.ModelArtifacts.S3ModelArtifacts),
                from_s3("test", locations.output(shards.properties, "test")),
            ],
            outputs=[to_s3(OUTPUT, locations.working(wiring.buckets, "evaluation"))],
        ),
        property_files=[evaluation_file()],
        retry_policies=retries.of_job(),
    )
