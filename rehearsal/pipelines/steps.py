"""The types of step that the rehearsal runs, one row a type.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rehearsal.backends import Call
from rehearsal.pipelines.conditions import all_hold, parse_conditions
from rehearsal.pipelines.definition import PipelineStep
from rehearsal.pipelines.expressions import Scope, evaluate

_LONGEST_NAME = 63
_CHARACTERS_OF_STEP = 20
_LETTERS = string.ascii_letters + string.digits
_STEP_STATUS = {
    "Completed": "Succeeded",
    "Failed": "Failed",
    "Stopped": "Stopped",
    "Stopping": "Stopping",
}


@dataclass(frozen=True)
class StepProgress:
    """How a begun step stands.

    Attributes:
        status: botocore's StepStatus.
        properties: what `Steps.<name>.…` finds once it succeeded.
    """

    status: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    failure_reason: str | None = None


class Activity(Protocol):
    """A step that was begun."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Botocore's PipelineExecutionStepMetadata."""

    @property
    def identifier(self) -> str | None:
        """What Describe takes, for the cache; None when there is nothing to describe."""

    def progress(self) -> StepProgress:
        """Ask how it stands; raises ApiError."""

    def stop(self) -> None:
        """Ask it to stop; returns at once; raises ApiError."""


class StepType(Protocol):
    """One type of step."""

    @property
    def operation(self) -> str | None:
        """The API operation whose request Arguments are, if any."""

    @property
    def generated(self) -> str | None:
        """The member of that request that the engine fills in."""

    @property
    def describe(self) -> str | None:
        """The operation whose response holds the properties."""

    def check(self, step: PipelineStep) -> None:
        """Refuse Arguments that only this type understands; raises ApiError."""

    def prepare(self, step: PipelineStep, scope: Scope) -> dict[str, Any]:
        """Arguments with every expression evaluated; raises ExpressionError."""

    def begin(self, request: dict[str, Any], call: Call) -> Activity:
        """Start it; raises ApiError."""


@dataclass(frozen=True)
class Done:
    """The activity of a step that is over as soon as it begins."""

    metadata: Mapping[str, Any]
    result: StepProgress
    identifier: str | None = None

    def progress(self) -> StepProgress:
        """Its end."""
        return self.result

    def stop(self) -> None:
        """Nothing: it is over."""


@dataclass(frozen=True)
class ResourceStep:
    """A step type by the names that SageMaker's operations follow.

    resource: as in `Create<resource>`. metadata_key: its member of the step's Metadata.
    status_member: None for a resource that is there at once. named: whether a name is generated.
    cache_attributes: the members of Arguments that AWS compares; empty when it doesn't cache.
    """

    resource: str
    metadata_key: str
    status_member: str | None
    stoppable: bool
    named: bool = True
    cache_attributes: tuple[str, ...] = ()

    @property
    def operation(self) -> str:
        """See `StepType`."""
        return f"Create{self.resource}"

    @property
    def describe(self) -> str:
        """See `StepType`."""
        return f"Describe{self.resource}"

    @property
    def generated(self) -> str | None:
        """See `StepType`."""
        return self.name_member if self.named else None

    @property
    def name_member(self) -> str:
        """Where requests have its name."""
        return f"{self.resource}Name"

    @property
    def arn_member(self) -> str:
        """Where responses have its ARN."""
        return f"{self.resource}Arn"

    def check(self, step: PipelineStep) -> None:
        """Nothing beyond the operation's own shape."""

    def prepare(self, step: PipelineStep, scope: Scope) -> dict[str, Any]:
        """See `StepType`."""
        if not self.named:
            return dict(evaluate(step.arguments, scope))
        prefix = step.arguments.get(self.name_member)
        prefix = None if prefix is None else str(evaluate(prefix, scope))
        name = resource_name(scope.execution["PipelineExecutionId"], step.name, prefix)
        own = scope.with_execution(**{self.name_member: name})
        return {**evaluate(step.arguments, own), self.name_member: name}

    def begin(self, request: dict[str, Any], call: Call) -> CreatedResource:
        """See `StepType`."""
        arn = str(call(self.operation, request)[self.arn_member])
        identifier = request[self.name_member] if self.named else arn
        return CreatedResource(self, call, identifier, {self.metadata_key: {"Arn": arn}})

    def find(self, identifier: str, call: Call) -> CreatedResource:
        """What an earlier step created, for a cache hit; raises ApiError when it is gone."""
        arn = call(self.describe, {self.name_member: identifier})[self.arn_member]
        return CreatedResource(self, call, identifier, {self.metadata_key: {"Arn": str(arn)}})


@dataclass(frozen=True)
class CreatedResource:
    """A job, model or package that a step made."""

    step_type: ResourceStep
    call: Call
    identifier: str | None
    metadata: Mapping[str, Any]

    def progress(self) -> StepProgress:
        """By its Describe operation."""
        described = self._call(self.step_type.describe)
        member = self.step_type.status_member
        if member is None:
            return StepProgress("Succeeded", described)
        status = _STEP_STATUS.get(described[member], "Executing")
        return StepProgress(status, described, described.get("FailureReason"))

    def stop(self) -> None:
        """By its Stop operation, where it has one."""
        if self.step_type.stoppable:
            self._call(f"Stop{self.step_type.resource}")

    def _call(self, operation: str) -> dict[str, Any]:
        return self.call(operation, {self.step_type.name_member: self.identifier})


def resource_name(execution_id: str, step_name: str, prefix: str | None = None) -> str:
    """`pipelines-<execution id>-<step name, 20 characters>-<10 random characters>`, as names of
    AWS's own examples are cut; at most 63 characters.

    prefix: the name in Arguments, where the SDK was told to keep it (use_custom_job_prefix).
    """
    # Random, not seeded: two executions, or two attempts, must never share a name.
    ending = "".join(secrets.choice(_LETTERS) for _ in range(10))
    head = prefix or f"pipelines-{execution_id}-{step_name[:_CHARACTERS_OF_STEP]}"
    head = re.sub(r"[^A-Za-z0-9]+", "-", head)[: _LONGEST_NAME - len(ending) - 1]
    return f"{head.strip('-')}-{ending}"


class ConditionStep:
    """Decides which branch runs."""

    operation: str | None = None
    generated: str | None = None
    describe: str | None = None

    def check(self, step: PipelineStep) -> None:
        """Raises pydantic.ValidationError when Conditions can't be read."""
        parse_conditions(step.arguments.get("Conditions"))

    def prepare(self, step: PipelineStep, scope: Scope) -> dict[str, Any]:
        """See `StepType`."""
        return {"Outcome": all_hold(parse_conditions(step.arguments["Conditions"]), scope)}

    def begin(self, request: dict[str, Any], call: Call) -> Done:
        """See `StepType`."""
        metadata = {"Condition": {"Outcome": str(request["Outcome"])}}
        return Done(metadata, StepProgress("Succeeded", request))


class FailStep:
    """Ends the execution as Failed, with a message."""

    operation: str | None = None
    generated: str | None = None
    describe: str | None = None

    def check(self, step: PipelineStep) -> None:
        """Nothing to check."""

    def prepare(self, step: PipelineStep, scope: Scope) -> dict[str, Any]:
        """See `StepType`."""
        return {"ErrorMessage": str(evaluate(step.arguments.get("ErrorMessage") or "", scope))}

    def begin(self, request: dict[str, Any], call: Call) -> Done:
        """See `StepType`."""
        # AWS gives a step without a message no FailureReason at all.
        reason = request["ErrorMessage"] or None
        return Done({"Fail": request}, StepProgress("Failed", failure_reason=reason))


STEP_TYPES: dict[str, StepType] = {
    "Processing": ResourceStep(
        resource="ProcessingJob",
        metadata_key="ProcessingJob",
        status_member="ProcessingJobStatus",
        stoppable=True,
        cache_attributes=("AppSpecification", "Environment", "ProcessingInputs"),
    ),
    "Training": ResourceStep(
        resource="TrainingJob",
        metadata_key="TrainingJob",
        status_member="TrainingJobStatus",
        stoppable=True,
        cache_attributes=(
            "AlgorithmSpecification",
            "CheckpointConfig",
            "DebugHookConfig",
            "DebugRuleConfigurations",
            "Environment",
            "HyperParameters",
            "InputDataConfig",
        ),
    ),
    "Transform": ResourceStep(
        resource="TransformJob",
        metadata_key="TransformJob",
        status_member="TransformJobStatus",
        stoppable=True,
        cache_attributes=("DataProcessing", "Environment", "ModelName", "TransformInput"),
    ),
    "Model": ResourceStep(
        resource="Model", metadata_key="Model", status_member=None, stoppable=False
    ),
    "RegisterModel": ResourceStep(
        resource="ModelPackage",
        metadata_key="RegisterModel",
        status_member="ModelPackageStatus",
        stoppable=False,
        named=False,
    ),
    "Condition": ConditionStep(),
    "Fail": FailStep(),
}
"""By the name that definitions use."""
