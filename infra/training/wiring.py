"""What every step gets: names and ARNs, which may be CDK tokens, resolved at deployment."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from infra.network.placement import Placement
from infra.settings import Settings
from infra.training.offline import pipeline_session

if TYPE_CHECKING:
    from sagemaker.core.workflow.parameters import Parameter
    from sagemaker.core.workflow.pipeline_context import PipelineSession


@dataclass(frozen=True, kw_only=True)
class Buckets:
    """Bucket names."""

    drops: str
    working: str
    artifacts: str


@dataclass(frozen=True, kw_only=True)
class Images:
    """Image URIs."""

    processing: str
    training: str
    inference: str


@dataclass(frozen=True, kw_only=True)
class RoleArns:
    """The role of each kind of job."""

    processing: str
    serving_model: str
    training: str
    evaluation: str


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """All of it.

    Attributes:
        volume_key_arn: KMS key of the jobs' storage volumes.
        output_key_arn: KMS key of what jobs write to S3; None for the bucket's own default.
        placement: the VPC of jobs; None for SageMaker's network.
        model_package_group: name of the group that models are registered in.
        tags: tags of every job, by key.
    """

    settings: Settings
    buckets: Buckets
    images: Images
    roles: RoleArns
    volume_key_arn: str
    model_package_group: str
    tags: Mapping[str, str]
    output_key_arn: str | None = None
    placement: Placement | None = None

    @cached_property
    def session(self) -> "PipelineSession":
        """The SDK's session; call it inside `offline()`, as it imports the SageMaker SDK."""
        return pipeline_session(default_bucket=self.buckets.working)

    @cached_property
    def parameters(self) -> "Mapping[str, Parameter]":
        """By setting's name; call it inside `offline()`, as it imports the SageMaker SDK."""
        from infra.training.parameters import parameters  # noqa: PLC0415 - takes seconds

        return parameters(self.settings)
