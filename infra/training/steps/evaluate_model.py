"""EvaluateModel: the quality of the model, and of the one that is served now, on the test channel,
which training never saw.
"""

from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep

from infra.training.steps import fetch_serving_model
from infra.training.steps.jobs import (
    command_line,
    from_s3,
    job_retries,
    output_uri,
    processor,
    to_s3,
    working_uri,
)
from infra.training.steps.shard_images import INDEX
from infra.training.wiring import Wiring

OUTPUT = "evaluation"
METRICS_FILE = "evaluation.json"


def evaluation_file() -> PropertyFile:
    """`evaluation.json`, AWS's schema of model quality and more, as the pipeline can read it."""
    return PropertyFile(name="Evaluation", output_name=OUTPUT, path=METRICS_FILE)


def evaluate_model(
    wiring: Wiring, *, training: TrainingStep, shards: ProcessingStep, serving: ProcessingStep
) -> ProcessingStep:
    """Output `evaluation`: `evaluation.json` and what a person looks at."""
    job = processor(
        wiring,
        image=wiring.images.training,
        role_arn=wiring.roles.evaluation,
        module="training.evaluate_model",
        settings=wiring.settings.evaluation,
        isolated=True,
    )
    return ProcessingStep(
        name="EvaluateModel",
        description="Measures the model, and the one that is served, on the test channel",
        step_args=job.run(
            arguments=command_line(workers_per_host=wiring.settings.evaluation.workers_per_host),
            inputs=[
                from_s3("model", training.properties.ModelArtifacts.S3ModelArtifacts),
                from_s3("test", output_uri(shards.properties, "test")),
                from_s3(INDEX, output_uri(shards.properties, INDEX)),
                from_s3(
                    fetch_serving_model.OUTPUT,
                    output_uri(serving.properties, fetch_serving_model.OUTPUT),
                ),
            ],
            outputs=[to_s3(OUTPUT, working_uri(wiring.buckets, "evaluation"))],
        ),
        property_files=[evaluation_file()],
        retry_policies=job_retries(),
    )
