"""What every step gets: names and ARNs, which may be CDK tokens, resolved at deployment."""

from collections.abc import Mapping
from dataclasses import dataclass

from sagemaker.core.workflow.pipeline_context import PipelineSession

from infra.settings import Settings
from infra.training.parameters import Parameters


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

    :ivar volume_key_arn: KMS key of the jobs' storage volumes.
    :ivar model_package_group: name of the group that models are registered in.
    :ivar tags: tags of every job, by key.
    """

    session: PipelineSession
    settings: Settings
    parameters: Parameters
    buckets: Buckets
    images: Images
    roles: RoleArns
    volume_key_arn: str
    model_package_group: str
    tags: Mapping[str, str]
