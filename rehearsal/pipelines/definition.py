"""A pipeline definition: its parts as its JSON names them, and its parameters' values.

Source: the definitions that the SageMaker Python SDK emits (schema version 2020-12-01), and
https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-overview.html
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_pascal

from rehearsal.errors import ApiError, validation

VERSION = "2020-12-01"
MOST_ATTEMPTS = 5
_BOOLEANS = {"true": True, "false": False}
_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")

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
    """What an execution may be given."""

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
    """Whether, and how long, an earlier success of the step stands for a new one."""

    enabled: bool = False
    expire_after: Annotated[timedelta | None, BeforeValidator(_iso_8601)] = None


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


class PipelineStep(Part):
    """One step, whatever its type."""

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
    steps: tuple[PipelineStep, ...]


Named = TypeVar("Named", Parameter, PipelineStep)


@dataclass(frozen=True)
class Branch:
    """Where a step lies that runs only on one outcome of a condition step."""

    condition: str
    outcome: bool


@dataclass(frozen=True)
class Definition:
    """A definition with the steps of all branches side by side, in the order they are written."""

    parameters: Mapping[str, Parameter]
    steps: Mapping[str, PipelineStep]
    branches: Mapping[str, Branch]
    experiment: Mapping[str, Any]


def arguments_of_its_own(step: PipelineStep) -> dict[str, Any]:
    """Arguments without the branches' steps, which are steps themselves."""
    if step.type != "Condition":
        return step.arguments
    return {k: v for k, v in step.arguments.items() if k not in ("IfSteps", "ElseSteps")}


def parse(body: str) -> Definition:
    """Read the JSON of a definition that `validate` accepted.

    Raises ApiError (ValidationException) when its structure is wrong.
    """
    document = _document(body)
    placed = list(_placed(document.steps))
    return Definition(
        parameters=_by_name("parameter", document.parameters),
        steps=_by_name("step", (step for step, _ in placed)),
        branches={step.name: branch for step, branch in placed if branch is not None},
        experiment=document.pipeline_experiment_config or {},
    )


def _document(body: str) -> Document:
    try:
        content = json.loads(body)
    except ValueError as error:
        raise validation(f"The pipeline definition is not JSON: {error}.") from error
    version = content.get("Version") if isinstance(content, dict) else None
    if version != VERSION:
        raise validation(
            f"The pipeline definition has the Version {version!r}: only '{VERSION}' is known."
        )
    try:
        return Document.model_validate(content)
    except ValidationError as error:
        raise _malformed(error) from error


def _placed(
    steps: tuple[PipelineStep, ...], branch: Branch | None = None
) -> Iterator[tuple[PipelineStep, Branch | None]]:
    for step in steps:
        yield step, branch
        if step.type == "Condition":
            for key, outcome in (("IfSteps", True), ("ElseSteps", False)):
                yield from _placed(_inner(step, key), Branch(step.name, outcome))


def _inner(step: PipelineStep, key: str) -> tuple[PipelineStep, ...]:
    try:
        return TypeAdapter(tuple[PipelineStep, ...]).validate_python(step.arguments.get(key) or ())
    except ValidationError as error:
        raise _malformed(error, step.name, key) from error


def _by_name(kind: str, parts: Iterable[Named]) -> dict[str, Named]:
    found: dict[str, Named] = {}
    for part in parts:
        if part.name in found:
            raise validation(f"Two {kind}s have the name '{part.name}': rename one of them.")
        found[part.name] = part
    return found


def _malformed(error: ValidationError, *where: str) -> ApiError:
    first = error.errors()[0]
    place = ".".join((*where, *(str(part) for part in first["loc"])))
    if first["type"] == "extra_forbidden":
        return validation(f"The pipeline definition has an unknown property {place}: remove it.")
    message = first["msg"][0].lower() + first["msg"][1:]
    return validation(f"The pipeline definition is wrong at {place}: {message}.")


def resolve(definition: Definition, given: Iterable[Mapping[str, str]]) -> dict[str, Value]:
    """Values by parameter name, from `[{"Name": …, "Value": …}]` and the defaults.

    Raises ApiError (ValidationException) for an unknown name, a missing value, a value of another
    type or none of EnumValues.
    """
    texts = {item["Name"]: item["Value"] for item in given}
    for name in texts:
        if name not in definition.parameters:
            known = ", ".join(definition.parameters) or "none"
            raise validation(f"The pipeline has no parameter '{name}': it has {known}.")
    return {
        name: _value(parameter, texts.get(name, parameter.default_value))
        for name, parameter in definition.parameters.items()
    }


def check_default(parameter: Parameter) -> None:
    """Refuse a default that isn't of the parameter's type, or none of EnumValues."""
    if parameter.default_value is not None:
        _value(parameter, parameter.default_value)


def _value(parameter: Parameter, given: Value | None) -> Value:
    if given is None:
        raise validation(f"Parameter '{parameter.name}' has no default: give it a value.")
    value = _typed(parameter, str(given))
    if parameter.enum_values and value not in parameter.enum_values:
        allowed = ", ".join(parameter.enum_values)
        raise validation(f"Parameter '{parameter.name}' must be one of {allowed}, not '{value}'.")
    return value


def _typed(parameter: Parameter, text: str) -> Value:
    match parameter.type:
        case "String":
            return text
        case "Integer" if _INTEGER.fullmatch(text):
            return int(text)
        case "Float" if _FLOAT.fullmatch(text):
            return float(text)
        case "Boolean" if text.lower() in _BOOLEANS:
            return _BOOLEANS[text.lower()]
    raise validation(f"Parameter '{parameter.name}' is of type {parameter.type}: '{text}' isn't.")
