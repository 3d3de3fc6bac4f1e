"""Tables of the pipeline's steps: what each runs on, and its container's options."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from infra.settings.section import (
    Accelerator,
    ProcessingInstance,
    Runtime,
    S3Uri,
    Section,
    Share,
    TrainingInstance,
    VolumeSize,
    accelerator_problems,
    gpus_of,
)

Distribution = Literal["FullyReplicated", "ShardedByS3Key"]
ModelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", examples=["small_cnn"])]

Encoding = Literal["raw", "jpeg", "png"]
_LEAST_JPEG_SIZE = 64


class Training(Section):
    """TrainModel: TensorFlow with Horovod over hosts times workers."""

    hosts: Annotated[int, Field(ge=1, le=100)] = 2
    """Training instances."""
    workers_per_host: Annotated[int, Field(ge=1, le=16)] = 1
    """Horovod workers on each instance: its number of GPUs, or 1 on CPUs."""
    instance_type: TrainingInstance = "ml.c5.2xlarge"
    """Training instance type."""
    accelerator: Accelerator = "cpu"
    """Which build of the training image: cpu or gpu."""
    volume_gb: VolumeSize = 50
    """Storage of each training host, in GB."""
    input_mode: Literal["File", "FastFile"] = "File"
    """How records reach a host: File copies them before training starts, FastFile reads them from
    S3 as training goes on and stores none.
    """
    distribution: Distribution = "FullyReplicated"
    """Files of the training channel that each host gets: FullyReplicated for all, ShardedByS3Key
    for its share.
    """
    validation_distribution: Distribution = "FullyReplicated"
    """Files of the validation channel that each host gets: FullyReplicated for all, ShardedByS3Key
    for its share.
    """
    shuffle_megabytes: Annotated[int, Field(ge=1, le=65_536)] = 64
    """Records that a worker mixes at a time where input_mode is FastFile, in units of 2^20 bytes;
    it holds up to five times as much.
    """
    max_runtime_seconds: Runtime = 12 * 3600
    """Longest training, in seconds; an account has a quota of 432000 to begin with."""
    managed_spot: bool = False
    """Train on spare capacity: up to 90 % cheaper, but hosts may go at two minutes' notice;
    training then waits for others and goes on from its checkpoint, so that nobody knows when it
    ends.
    """
    spot_max_wait_seconds: Runtime = 24 * 3600
    """Longest training and waiting for spare capacity together, in seconds; counts with
    managed_spot only.
    """
    checkpoint_seconds: Annotated[int, Field(ge=0, le=24 * 3600)] = 300
    """Seconds between checkpoints in an epoch, 0 for none; its end has one anyhow."""
    model: ModelName = "small_cnn"
    """Name of the network: a file of the training image's folder training/models."""
    weights_uri: S3Uri | None = None
    """S3 URI of the one file of weights that the network starts from; without it, from random ones.
    """
    image_size: Annotated[int, Field(ge=8, le=1024)] = 32
    """Edge of the square that images are resized to, in pixels."""
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 30
    """Passes over the training channel."""
    batch_size_per_worker: Annotated[int, Field(ge=1, le=65_536)] = 32
    """Images a worker takes per step."""
    optimiser: Literal["adamw", "sgd"] = "adamw"
    """Optimiser: adamw, or sgd with momentum."""
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.001
    """Peak learning rate of one worker."""
    learning_rate_scaling: Literal["none", "sqrt", "linear"] = "sqrt"
    """How the learning rate grows with the number of workers: none, its square root, or in
    proportion.
    """
    warmup_share: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    """Share of all steps in which the learning rate rises to its peak."""
    label_smoothing: Annotated[float, Field(ge=0, le=0.5)] = 0
    """Share of a label that is spread over all classes."""
    weight_decay: Share = 0
    """Decoupled weight decay."""
    class_weights: Literal["none", "balanced"] = "none"
    """Weight of an image in the loss: none for the same, balanced for more in classes of few
    images.
    """
    early_stopping_patience: Annotated[int, Field(ge=0, le=1000)] = 0
    """Epochs without a better validation loss that end training; 0 for never."""
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    """Numbers that the network computes with; mixed ones need accelerator gpu."""
    gradient_compression: Literal["none", "float16", "bfloat16"] = "none"
    """Numbers in which workers send each other their gradients."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1
    """Seed of the split, the shuffling and the weights."""
    log_records: bool = False
    """Write down which records each rank read in each epoch; for small data only."""
    deterministic: bool = False
    """The same bits in every run on the same workers; slower."""

    @property
    def workers(self) -> int:
        """Of all hosts."""
        return self.hosts * self.workers_per_host

    def _problems(self) -> Iterator[str]:
        # ShardImages has one instance a worker, and a processing job has at most 100.
        if self.workers > 100:
            yield (
                f"hosts x workers_per_host is {self.workers}, more than the 100 instances that a "
                "processing job can have"
            )
        if self.managed_spot and self.spot_max_wait_seconds < self.max_runtime_seconds:
            yield (
                f"with managed_spot, spot_max_wait_seconds {self.spot_max_wait_seconds} is less "
                f"than max_runtime_seconds {self.max_runtime_seconds}, which it includes: raise it"
            )
        yield from accelerator_problems(self.instance_type, self.accelerator)
        gpus = gpus_of(self.instance_type)
        if self.accelerator == "gpu" and self.workers_per_host > gpus:
            yield (
                f"workers_per_host is {self.workers_per_host} and instance_type "
                f"{self.instance_type} has GPUs for {gpus}: lower it, or use a larger instance"
            )
        if self.precision != "float32" and self.accelerator != "gpu":
            yield (
                f"precision {self.precision} makes training slower on CPUs: set accelerator to "
                "gpu, or precision to float32"
            )


class Manifests(Section):
    """CreateManifests: how objects are dealt out to the channels."""

    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Share of each class that goes to the validation channel."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Share of the images of each class that goes to the test channel."""
    minimum_per_class_and_channel: Annotated[int, Field(ge=1, le=1_000_000)] = 2
    """Fewest images of a class in each channel; a drop of a class with less waits."""
    class_share_drift: Share = 0.1
    """Change of a class's share of the images since the last run that is warned of."""
    instance_type: ProcessingInstance = "ml.m5.large"
    """Instance type of CreateManifests."""
    volume_gb: VolumeSize = 30
    """Storage of CreateManifests' instance, in GB."""
    max_runtime_seconds: Runtime = 3600
    """Longest run of CreateManifests, in seconds."""

    def _problems(self) -> Iterator[str]:
        if self.validation_fraction + self.test_fraction >= 1:
            yield "validation_fraction and test_fraction add up to 1 or more, so nothing trains"


class Shards(Section):
    """ShardImages; it runs on as many instances as training has workers."""

    maximum_quarantined_share: Share = 0.01
    """Largest share of files that may be unreadable before the execution ends."""
    encoding: Encoding | None = None
    """How images lie in records; without it raw for an image_size below 64, where the headers alone
    of a JPEG are a fifth of the pixels and its blocks show, and jpeg from 64 on.
    """
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] = 95
    """Quality of JPEG records, as libjpeg counts it."""
    jpeg_subsampling: Literal["4:4:4", "4:2:0"] = "4:4:4"
    """Chroma subsampling of JPEG records: 4:2:0 takes a quarter less bytes and decodes faster, with
    colours at half the resolution.
    """
    file_megabytes: Annotated[int, Field(ge=1, le=5000)] = 256
    """Size that a TFRecord file has reached when it ends, in units of 2^20 bytes."""
    memory_megabytes: Annotated[int, Field(ge=64, le=1_048_576)] = 2048
    """Memory for the files and pixels that a ShardImages host holds at a time."""
    instance_type: ProcessingInstance = "ml.m5.xlarge"
    """Instance type of each ShardImages host."""
    volume_gb: VolumeSize = 50
    """Storage of each ShardImages host, in GB."""
    max_runtime_seconds: Runtime = 4 * 3600
    """Longest run of ShardImages, in seconds."""

    def encoding_of(self, image_size: int) -> Encoding:
        """How images of that size lie in records."""
        return self.encoding or ("raw" if image_size < _LEAST_JPEG_SIZE else "jpeg")


class ServingModel(Section):
    """FetchServingModel, which brings the model that is served now, for comparison."""

    instance_type: ProcessingInstance = "ml.t3.medium"
    """Instance type of FetchServingModel."""
    volume_gb: VolumeSize = 10
    """Storage of FetchServingModel's instance, in GB."""
    max_runtime_seconds: Runtime = 1800
    """Longest run of FetchServingModel, in seconds."""


class Evaluation(Section):
    """EvaluateModel and the limits that its metrics are checked against."""

    accuracy_threshold: Share = 0.9
    """Least accuracy on the test channel for a model to be registered."""
    maximum_accuracy_loss: Share = 0.01
    """How much less accurate than the model that is served one may be."""
    workers_per_host: Annotated[int, Field(ge=1, le=64)] = 2
    """Processes of EvaluateModel that share the test channel."""
    instance_type: ProcessingInstance = "ml.m5.xlarge"
    """Instance type of EvaluateModel."""
    volume_gb: VolumeSize = 30
    """Storage of EvaluateModel's instance, in GB."""
    max_runtime_seconds: Runtime = 2 * 3600
    """Longest evaluation, in seconds."""
