"""Settings of `[serving_model]` and `[evaluation]`: is the model good enough?"""

from pydantic import Field

from infra.settings.instances import ProcessingInstance
from infra.settings.section import Runtime, Section, VolumeSize


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
