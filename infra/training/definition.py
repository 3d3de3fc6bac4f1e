"""The pipeline's JSON definition, written by the SageMaker SDK with CDK's tokens inside."""

from sagemaker.mlops.workflow.pipeline import Pipeline

from infra.training.steps.check_quality import check_quality
from infra.training.steps.create_manifests import create_manifests
from infra.training.steps.evaluate_model import evaluate_model
from infra.training.steps.fetch_serving_model import fetch_serving_model
from infra.training.steps.register_model import register_model
from infra.training.steps.reject_model import reject_model
from infra.training.steps.shard_images import shard_images
from infra.training.steps.train_model import train_model
from infra.training.wiring import Wiring


def definition(name: str, wiring: Wiring) -> str:
    """The definition as JSON, whose steps depend on each other by what they refer to."""
    manifests = create_manifests(wiring)
    serving = fetch_serving_model(wiring)
    shards = shard_images(wiring, manifests=manifests)
    training = train_model(wiring, manifests=manifests, shards=shards)
    evaluation = evaluate_model(wiring, training=training, shards=shards, serving=serving)
    quality = check_quality(
        wiring,
        evaluation=evaluation,
        register=register_model(
            wiring, manifests=manifests, training=training, evaluation=evaluation
        ),
        reject=reject_model(wiring, evaluation=evaluation),
    )
    pipeline = Pipeline(
        name=name,
        parameters=[*wiring.parameters.values()],
        steps=[manifests, serving, shards, training, evaluation, quality],
        sagemaker_session=wiring.session,
        # SageMaker Experiments would only copy what the execution itself records.
        pipeline_experiment_config=None,
    )
    return str(pipeline.definition())
