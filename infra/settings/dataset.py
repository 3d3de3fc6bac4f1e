"""Settings of `[manifests]` and `[shards]`: from drops to what training reads."""

from typing import Literal

from pydantic import Field, model_validator

from infra.settings.instances import ProcessingInstance
from infra.settings.section import Runtime, Section, VolumeSize


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
