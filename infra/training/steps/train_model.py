"""TrainModel: TensorFlow with Horovod over hosts times workers."""

from sagemaker.core.helper.pipeline_variable import PipelineVariable
from sagemaker.core.shapes import MetricDefinition, OutputDataConfig, StoppingCondition
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep
from sagemaker.train.configs import Compute, InputData, Networking, S3DataSource, Tag
from sagemaker.train.model_trainer import ModelTrainer

from infra.training import locations, retries
from infra.training.offline import without_telemetry
from infra.training.wiring import Wiring
from infra.volumes import volume_key

# The training container logs "epoch=3 loss=0.123 accuracy=0.98 validation_loss=0.2 …": the space
# tells loss from validation_loss.
METRICS = ("loss", "accuracy", "validation_loss", "validation_accuracy", "images_per_second")


def train_model(
    wiring: Wiring, *, manifests: ProcessingStep, shards: ProcessingStep
) -> TrainingStep:
    """Reads the shards of `train` and `validation`, and `labels`; its model is a model.tar.gz."""
    labels = locations.below(locations.output(manifests.properties, "manifests"), "labels.json")
    channels = [
        _channel("train", locations.output(shards.properties, "train")),
        _channel("validation", locations.output(shards.properties, "validation")),
        _channel("labels", labels),
    ]
    trainer = _trainer(wiring)
    with without_telemetry(wiring.session):
        arguments = trainer.train(input_data_config=channels)
    return TrainingStep(
        name="TrainModel",
        description="Trains with Horovod; each record is read by one worker an epoch",
        step_args=arguments,
        retry_policies=retries.of_job(),
    )


def _trainer(wiring: Wiring) -> ModelTrainer:
    settings = wiring.settings.training
    return ModelTrainer(
        sagemaker_session=wiring.session,
        role=wiring.roles.training,
        base_job_name="training",
        training_image=wiring.images.training,
        compute=Compute(
            instance_type=settings.instance_type,
            instance_count=settings.hosts,
            volume_size_in_gb=settings.volume_gb,
            volume_kms_key_id=volume_key(settings.instance_type, wiring.volume_key_arn),
        ),
        networking=Networking(
            enable_network_isolation=True, enable_inter_container_traffic_encryption=True
        ),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=settings.max_runtime_seconds),
        output_data_config=OutputDataConfig(
            s3_output_path=f"s3://{wiring.buckets.artifacts}/models", compression_type="GZIP"
        ),
        hyperparameters=_hyperparameters(wiring),
        tags=[Tag(key=key, value=value) for key, value in wiring.tags.items()],
    ).with_metric_definitions(
        [MetricDefinition(name=name, regex=rf" {name}=([0-9.e+-]+)") for name in METRICS]
    )


def _hyperparameters(wiring: Wiring) -> dict[str, str | PipelineVariable]:
    settings, parameters = wiring.settings.training, wiring.parameters
    return {
        "epochs": parameters.epochs.to_string(),
        "batch_size": str(settings.batch_size_per_worker),
        "learning_rate": str(settings.learning_rate),
        "seed": parameters.seed.to_string(),
        "image_size": str(settings.image_size),
        "model": settings.model,
        "workers_per_host": str(settings.workers_per_host),
        "log_records": str(settings.log_records).lower(),
    }


def _channel(name: str, uri: PipelineVariable) -> InputData:
    return InputData(
        channel_name=name,
        data_source=S3DataSource(
            s3_data_type="S3Prefix", s3_uri=uri, s3_data_distribution_type="FullyReplicated"
        ),
    )
