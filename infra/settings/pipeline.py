"""Tables of the pipeline's steps: what each runs on, and its container's options."""

from typing import Literal

from pydantic import Field, model_validator

from infra.settings.section import (
    Accelerator,
    ProcessingInstance,
    Runtime,
    S3Uri,
    Section,
    TrainingInstance,
    VolumeSize,
    check_accelerator,
    gpus_of,
)


class Training(Section):
    """TrainModel: TensorFlow with Horovod over hosts times workers."""

    hosts: int = Field(default=2, ge=1, le=100, description="Training instances.")
    workers_per_host: int = Field(
        default=1,
        ge=1,
        le=16,
        description="Horovod workers on each instance: its number of GPUs, or 1 on CPUs.",
    )
    instance_type: TrainingInstance = Field(
        default="ml.c5.2xlarge", description="Training instance type."
    )
    accelerator: Accelerator = Field(
        default="cpu", description="Which build of the training image: cpu or gpu."
    )
    volume_gb: VolumeSize = Field(default=50, description="Storage of each training host, in GB.")
    max_runtime_seconds: Runtime = Field(
        default=12 * 3600,
        description="Longest training, in seconds; an account has a quota of 432000 to begin with.",
    )
    managed_spot: bool = Field(
        default=False,
        description="Train on spare capacity: up to 90 % cheaper, but hosts may go at two minutes' "
        "notice; training then waits for others and goes on from its checkpoint, so that nobody "
        "knows when it ends.",
    )
    spot_max_wait_seconds: Runtime = Field(
        default=24 * 3600,
        description="Longest training and waiting for spare capacity together, in seconds; counts "
        "with managed_spot only.",
    )
    checkpoint_seconds: int = Field(
        default=300,
        ge=0,
        le=24 * 3600,
        description="Seconds between checkpoints in an epoch, 0 for none; its end has one anyhow.",
    )
    model: str = Field(
        default="small_cnn",
        pattern=r"^[a-z][a-z0-9_]{0,63}$",
        examples=["small_cnn"],
        description="Name of the network: a file of the training image's folder training/models.",
    )
    weights_uri: S3Uri | None = Field(
        default=None,
        description="S3 URI of the one file of weights that the network starts from; without it, "
        "from random ones.",
    )
    image_size: int = Field(
        default=32,
        ge=8,
        le=1024,
        description="Edge of the square that images are resized to, in pixels.",
    )
    epochs: int = Field(
        default=30, ge=1, le=10_000, description="Passes over the training channel."
    )
    batch_size_per_worker: int = Field(
        default=32, ge=1, le=65_536, description="Images a worker takes per step."
    )
    optimiser: Literal["adamw", "sgd"] = Field(
        default="adamw", description="Optimiser: adamw, or sgd with momentum."
    )
    learning_rate: float = Field(
        default=0.001, gt=0, le=10, description="Peak learning rate of one worker."
    )
    learning_rate_scaling: Literal["none", "sqrt", "linear"] = Field(
        default="sqrt",
        description="How the learning rate grows with the number of workers: none, its square "
        "root, or in proportion.",
    )
    warmup_share: float = Field(
        default=0.1,
        ge=0,
        le=0.5,
        description="Share of all steps in which the learning rate rises to its peak.",
    )
    label_smoothing: float = Field(
        default=0, ge=0, le=0.5, description="Share of a label that is spread over all classes."
    )
    weight_decay: float = Field(default=0, ge=0, le=1, description="Decoupled weight decay.")
    class_weights: Literal["none", "balanced"] = Field(
        default="none",
        description="Weight of an image in the loss: none for the same, balanced for more in "
        "classes of few images.",
    )
    early_stopping_patience: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="Epochs without a better validation loss that end training; 0 for never.",
    )
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = Field(
        default="float32",
        description="Numbers that the network computes with; mixed ones need accelerator gpu.",
    )
    gradient_compression: Literal["none", "float16", "bfloat16"] = Field(
        default="none", description="Numbers in which workers send each other their gradients."
    )
    seed: int = Field(
        default=1,
        ge=0,
        le=2**31 - 1,
        description="Seed of the split, the shuffling and the weights.",
    )
    log_records: bool = Field(
        default=False,
        description="Write down which records each rank read in each epoch; for small data only.",
    )
    deterministic: bool = Field(
        default=False, description="The same bits in every run on the same workers; slower."
    )

    @property
    def workers(self) -> int:
        """Of all hosts."""
        return self.hosts * self.workers_per_host

    @model_validator(mode="after")
    def _within_processing_limit(self) -> "Training":
        # ShardImages has one instance a worker, and a processing job has at most 100.
        if self.workers > 100:
            raise ValueError(
                f"hosts x workers_per_host is {self.workers}, more than the 100 instances that a "
                "processing job can have"
            )
        return self

    @model_validator(mode="after")
    def _waits_at_least_as_long_as_it_runs(self) -> "Training":
        if self.managed_spot and self.spot_max_wait_seconds < self.max_runtime_seconds:
            raise ValueError(
                f"with managed_spot, spot_max_wait_seconds {self.spot_max_wait_seconds} is less "
                f"than max_runtime_seconds {self.max_runtime_seconds}, which it includes: raise it"
            )
        return self

    @model_validator(mode="after")
    def _has_a_gpu_for_each_worker(self) -> "Training":
        check_accelerator(self.instance_type, self.accelerator)
        gpus = gpus_of(self.instance_type)
        if self.accelerator == "gpu" and self.workers_per_host > gpus:
            raise ValueError(
                f"workers_per_host is {self.workers_per_host} and instance_type "
                f"{self.instance_type} has GPUs for {gpus}: lower it, or use a larger instance"
            )
        return self

    @model_validator(mode="after")
    def _mixes_precision_on_gpus(self) -> "Training":
        if self.precision != "float32" and self.accelerator != "gpu":
            raise ValueError(
                f"precision {self.precision} makes training slower on CPUs: set accelerator to "
                "gpu, or precision to float32"
            )
        return self


class Manifests(Section):
    """CreateManifests: how objects are dealt out to the channels."""

    validation_fraction: float = Field(
        default=0.15,
        gt=0,
        lt=1,
        description="Share of each class that goes to the validation channel.",
    )
    test_fraction: float = Field(
        default=0.15,
        gt=0,
        lt=1,
        description="Share of the images of each class that goes to the test channel.",
    )
    minimum_per_class_and_channel: int = Field(
        default=2,
        ge=1,
        le=1_000_000,
        description="Fewest images of a class in each channel; a drop of a class with less waits.",
    )
    class_share_drift: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Change of a class's share of the images since the last run that is warned of.",
    )
    instance_type: ProcessingInstance = Field(
        default="ml.m5.large", description="Instance type of CreateManifests."
    )
    volume_gb: VolumeSize = Field(
        default=30, description="Storage of CreateManifests' instance, in GB."
    )
    max_runtime_seconds: Runtime = Field(
        default=3600, description="Longest run of CreateManifests, in seconds."
    )

    @model_validator(mode="after")
    def _leaves_training_images(self) -> "Manifests":
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError(
                "validation_fraction and test_fraction add up to 1 or more, so nothing trains"
            )
        return self


class Shards(Section):
    """ShardImages; it runs on as many instances as training has workers."""

    maximum_quarantined_share: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="Largest share of files that may be unreadable before the execution ends.",
    )
    compression: Literal["none", "gzip"] = Field(
        default="none", description="Compression of the TFRecord files: none or gzip."
    )
    memory_megabytes: int = Field(
        default=2048,
        ge=64,
        le=1_048_576,
        description="Memory for the files and pixels that a ShardImages host holds at a time.",
    )
    instance_type: ProcessingInstance = Field(
        default="ml.m5.xlarge", description="Instance type of each ShardImages host."
    )
    volume_gb: VolumeSize = Field(
        default=50, description="Storage of each ShardImages host, in GB."
    )
    max_runtime_seconds: Runtime = Field(
        default=4 * 3600, description="Longest run of ShardImages, in seconds."
    )


class ServingModel(Section):
    """FetchServingModel, which brings the model that is served now, for comparison."""

    instance_type: ProcessingInstance = Field(
        default="ml.t3.medium", description="Instance type of FetchServingModel."
    )
    volume_gb: VolumeSize = Field(
        default=10, description="Storage of FetchServingModel's instance, in GB."
    )
    max_runtime_seconds: Runtime = Field(
        default=1800, description="Longest run of FetchServingModel, in seconds."
    )


class Evaluation(Section):
    """EvaluateModel and the limits that its metrics are checked against."""

    accuracy_threshold: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="Least accuracy on the test channel for a model to be registered.",
    )
    maximum_accuracy_loss: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="How much less accurate than the model that is served one may be.",
    )
    workers_per_host: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Processes of EvaluateModel that share the test channel.",
    )
    instance_type: ProcessingInstance = Field(
        default="ml.m5.xlarge", description="Instance type of EvaluateModel."
    )
    volume_gb: VolumeSize = Field(
        default=30, description="Storage of EvaluateModel's instance, in GB."
    )
    max_runtime_seconds: Runtime = Field(
        default=2 * 3600, description="Longest evaluation, in seconds."
    )
