"""FetchServingModel: the model that the endpoint serves now, to compare the new one with."""

from sagemaker.mlops.workflow.steps import ProcessingStep

from infra.training.steps.jobs import command_line, job_retries, processor, to_s3, working_uri
from infra.training.wiring import Wiring

OUTPUT = "serving"


def fetch_serving_model(wiring: Wiring) -> ProcessingStep:
    """Output `serving`: `serving.json` and, where a model serves, its `model.tar.gz`.

    Has the network, to ask SageMaker; depends on no other step.
    """
    job = processor(
        wiring,
        image=wiring.images.processing,
        role_arn=wiring.roles.serving_model,
        module="processing.fetch_serving_model",
        settings=wiring.settings.serving_model,
        isolated=False,
    )
    return ProcessingStep(
        name="FetchServingModel",
        description="Fetches the model that the endpoint serves, if there is one",
        step_args=job.run(
            arguments=command_line(endpoint=wiring.settings.name),
            outputs=[to_s3(OUTPUT, working_uri(wiring.buckets, OUTPUT))],
        ),
        retry_policies=job_retries(),
    )
