"""TrainModel: TensorFlow with Horovod over hosts times workers."""

from sagemaker.core.helper.pipeline_variable import PipelineVariable
from sagemaker.core.shapes import (
    Channel,
    CheckpointConfig,
    DataSource,
    MetricDefinition,
    OutputDataConfig,
    S3DataSource,
    StoppingCondition,
    TensorBoardOutputConfig,
)
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep
from sagemaker.train.configs import Compute, Networking, Tag
from sagemaker.train.model_trainer import ModelTrainer

from infra.costs.prices import volume_key
from infra.names import CHECKPOINTS, TENSORBOARD
from infra.settings import Training
from infra.training.offline import without_telemetry
from infra.training.steps.jobs import (
    below,
    execution_uri,
    job_retries,
    output_uri,
)
from infra.training.steps.shard_images import INDEX
from infra.training.wiring import Wiring

# The training container logs "epoch=3 loss=0.123 accuracy=0.98 validation_loss=0.2 …": the space
# tells loss from validation_loss.
METRICS = (
    "loss",
    "accuracy",
    "validation_loss",
    "validation_accuracy",
    "images_per_second",
    "images_per_second_per_worker",
    "input_share",
    "compute_share",
    "communication_share",
)
# The settings that are hyperparameters of the same name; the container has limits of its own.
HYPERPARAMETERS = (
    "learning_rate",
    "image_size",
    "model",
    "workers_per_host",
    "log_records",
    "deterministic",
    "optimiser",
    "learning_rate_scaling",
    "warmup_share",
    "label_smoothing",
    "weight_decay",
    "class_weights",
    "early_stopping_patience",
    "precision",
    "gradient_compression",
    "input_mode",
    "shuffle_megabytes",
    "checkpoint_seconds",
)


def train_model(
    wiring: Wiring, *, manifests: ProcessingStep, shards: ProcessingStep
) -> TrainingStep:
    """Reads the shards of `train` and `validation`, their `index`, `labels` and, where set,
    `weights`; its model is a model.tar.gz.

    An execution's attempts share its checkpoints: one that is tried again goes on from the last.
    """
    settings = wiring.settings.training
    labels = below(output_uri(manifests.properties, "manifests"), "labels.json")
    channels = [
        _channel(name, output_uri(shards.properties, name), settings.input_mode, distribution)
        for name, distribution in (
            ("train", settings.distribution),
            ("validation", settings.validation_distribution),
        )
    ]
    channels += [
        _channel(INDEX, output_uri(shards.properties, INDEX)),
        _channel("labels", labels),
    ]
    if settings.weights_uri:
        channels.append(_channel("weights", settings.weights_uri))
    trainer = _trainer(wiring)
    with without_telemetry(wiring.session):
        arguments = trainer.train(input_data_config=channels)
    return TrainingStep(
        name="TrainModel",
        description="Trains with Horovod; each record is read by one worker an epoch",
        step_args=arguments,
        retry_policies=job_retries(),
    )


def _trainer(wiring: Wiring) -> ModelTrainer:
    settings, working = wiring.settings.training, wiring.buckets.working
    trainer = ModelTrainer(
        sagemaker_session=wiring.session,
        role=wiring.roles.training,
        base_job_name="training",
        training_image=wiring.images.training,
        training_input_mode=settings.input_mode,
        compute=Compute(
            instance_type=settings.instance_type,
            instance_count=settings.hosts,
            volume_size_in_gb=settings.volume_gb,
            volume_kms_key_id=volume_key(settings.instance_type, wiring.volume_key_arn),
            enable_managed_spot_training=settings.managed_spot,
        ),
        networking=_networking(wiring),
        stopping_condition=_stopping_condition(settings),
        output_data_config=OutputDataConfig(
            s3_output_path=f"s3://{wiring.buckets.artifacts}/models",
            compression_type="GZIP",
            **({"kms_key_id": wiring.output_key_arn} if wiring.output_key_arn else {}),
        ),
        checkpoint_config=CheckpointConfig(
            s3_uri=execution_uri(wiring.buckets.working, CHECKPOINTS)
        ),
        hyperparameters=_hyperparameters(wiring),
        tags=[Tag(key=key, value=value) for key, value in wiring.tags.items()],
    )
    return trainer.with_tensorboard_output_config(
        TensorBoardOutputConfig(s3_output_path=execution_uri(working, TENSORBOARD))
    ).with_metric_definitions(
        [MetricDefinition(name=name, regex=rf" {name}=([0-9.e+-]+)") for name in METRICS]
    )


def _networking(wiring: Wiring) -> Networking:
    placement = wiring.placement
    return Networking(
        enable_network_isolation=wiring.settings.network.isolate_jobs,
        enable_inter_container_traffic_encryption=True,
        subnets=list(placement.subnets) if placement else None,
        security_group_ids=[placement.training] if placement else None,
    )


def _stopping_condition(settings: Training) -> StoppingCondition:
    # SageMaker refuses a job that names a wait and is no spot training.
    wait = {"max_wait_time_in_seconds": settings.spot_max_wait_seconds}
    return StoppingCondition(
        max_runtime_in_seconds=settings.max_runtime_seconds,
        **(wait if settings.managed_spot else {}),
    )


def _hyperparameters(wiring: Wiring) -> dict[str, str | PipelineVariable]:
    settings, parameters = wiring.settings.training, wiring.parameters
    return {
        "epochs": parameters["epochs"].to_string(),
        "batch_size": str(settings.batch_size_per_worker),
        "seed": parameters["seed"].to_string(),
        **{name: _text(getattr(settings, name)) for name in HYPERPARAMETERS},
    }


def _text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _channel(
    name: str,
    uri: str | PipelineVariable,
    input_mode: str = "File",
    distribution: str = "FullyReplicated",
) -> Channel:
    """What is small is a file on every host, however records come."""
    return Channel(
        channel_name=name,
        input_mode=input_mode,
        data_source=DataSource(
            s3_data_source=S3DataSource(
                s3_data_type="S3Prefix", s3_uri=uri, s3_data_distribution_type=distribution
            )
        ),
    )
