"""The parts of a pipeline definition, as its JSON names them.

Source: the definitions that the SageMaker Python SDK emits (schema version 2020-12-01), and
https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-overview.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_pascal

VERSION = "2020-12-01"

Value = str | int | float | bool
ExceptionType = Literal[
    "Step.SERVICE_FAULT",
    "Step.THROTTLING",
    "SageMaker.JOB_INTERNAL_ERROR",
    "SageMaker.CAPACITY_ERROR",
    "SageMaker.RESOURCE_LIMIT",
]


def _iso_8601(text: object) -> object:
    # AWS takes "30d" and "T16m" for "P30D" and "PT16M":
    # https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-caching-enabling.html
    if not isinstance(text, str):
        return text
    upper = text.upper()
    return upper if upper.startswith("P") else f"P{upper}"


class Part(BaseModel):
    """A JSON object of the definition: unknown properties are refused, as AWS does."""

    model_config = ConfigDict(
        alias_generator=to_pascal, extra="forbid", frozen=True, populate_by_name=True
    )


class Parameter(Part):
    name: str = Field(pattern=r"^[A-Za-z0-9\-_]{1,256}$")
    type: Literal["String", "Integer", "Float", "Boolean"]
    default_value: Value | None = None
    enum_values: tuple[str, ...] | None = None


class PropertyFile(Part):
    """A JSON file in an output of a processing step, which JsonGet reads."""

    property_file_name: str
    output_name: str
    file_path: str


class CacheConfig(Part):
    enabled: bool = False
    expire_after: Annotated[timedelta | None, BeforeValidator(_iso_8601)] = None


MOST_ATTEMPTS = 5


class RetryPolicy(Part):
    """https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html

    Where it names no end there are MOST_ATTEMPTS; MaxAttempts 0 is no retry.
    """

    exception_type: tuple[ExceptionType, ...] = Field(min_length=1)
    interval_seconds: int = Field(default=1, ge=0)
    backoff_rate: float = Field(default=2.0, ge=0)
    max_attempts: int | None = Field(default=None, ge=0, le=20)
    expire_after_min: int | None = Field(default=None, ge=1, le=14400)

    @model_validator(mode="after")
    def _has_one_end(self) -> Self:
        if self.max_attempts is not None and self.expire_after_min is not None:
            raise ValueError("give one of MaxAttempts and ExpireAfterMin, not both")
        return self


class Step(Part):
    name: str = Field(pattern=r"^[A-Za-z0-9\-_]{1,64}$")
    type: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    display_name: str | None = None
    description: str | None = None
    property_files: tuple[PropertyFile, ...] = ()
    cache_config: CacheConfig = CacheConfig()
    retry_policies: tuple[RetryPolicy, ...] = ()


class Document(Part):
    """The definition as it is written, its branches still inside their condition steps."""

    version: str
    metadata: dict[str, Any] | None = None
    parameters: tuple[Parameter, ...] = ()
    pipeline_experiment_config: dict[str, Any] | None = None
    mlflow_config: dict[str, Any] | None = None
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Branch:
    """Where a step lies that runs only on one outcome of a condition step."""

    condition: str
    outcome: bool


@dataclass(frozen=True)
class Definition:
    """A definition with the steps of all branches side by side, in the order they are written."""

    parameters: Mapping[str, Parameter]
    steps: Mapping[str, Step]
    branches: Mapping[str, Branch]
    experiment: Mapping[str, Any]


def arguments_of_its_own(step: Step) -> dict[str, Any]:
    """Arguments without the branches' steps, which are steps themselves."""
    if step.type != "Condition":
        return step.arguments
    return {k: v for k, v in step.arguments.items() if k not in ("IfSteps", "ElseSteps")}
