"""The types of step that the rehearsal runs, one row a type.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

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


@dataclass(frozen=True)
class Activity:
    """A step that was begun.

    Attributes:
        metadata: botocore's PipelineExecutionStepMetadata.
        progress: how it stands; raises ApiError.
        stop: asks it to stop; returns at once; raises ApiError.
        identifier: what Describe takes, for the cache; None when there is nothing to describe.
    """

    metadata: Mapping[str, Any]
    progress: Callable[[], StepProgress]
    stop: Callable[[], object] = lambda: None
    identifier: str | None = None


@dataclass(frozen=True)
class ResourceStep:
    """A step type by the names that SageMaker's operations follow.

    Attributes:
        resource: as in `Create<resource>`.
        cache_attributes: the members of Arguments that AWS compares; empty when it doesn't cache.
        metadata_key: its member of the step's Metadata, where that is not `resource`.
        has_status: false of a resource that is there at once.
        is_named: whether a name is generated.
    """

    resource: str
    cache_attributes: tuple[str, ...] = ()
    metadata_key: str | None = None
    has_status: bool = True
    is_named: bool = True

    @property
    def operation(self) -> str:
        """The API operation whose request Arguments are."""
        return f"Create{self.resource}"

    @property
    def describe(self) -> str:
        """The operation whose response holds the properties."""
        return f"Describe{self.resource}"

    @property
    def name_member(self) -> str:
        """Where requests have its name."""
        return f"{self.resource}Name"

    def prepare(self, step: PipelineStep, scope: Scope) -> dict[str, Any]:
        """Arguments with every expression evaluated, and a name; raises ExpressionError."""
        if not self.is_named:
            return dict(evaluate(step.arguments, scope))
        prefix = step.arguments.get(self.name_member)
        prefix = None if prefix is None else str(evaluate(prefix, scope))
        name = resource_name(scope.execution["PipelineExecutionId"], step.name, prefix)
        own = replace(scope, execution={**scope.execution, self.name_member: name})
        return {**evaluate(step.arguments, own), self.name_member: name}

    def begin(self, request: dict[str, Any], call: Call) -> Activity:
        """Creates it; raises ApiError."""
        arn = call(self.operation, request)[f"{self.resource}Arn"]
        return self._activity(request[self.name_member] if self.is_named else arn, arn, call)

    def find(self, identifier: str, call: Call) -> Activity:
        """What an earlier step created, for a cache hit; raises ApiError when it is gone."""
        described = call(self.describe, {self.name_member: identifier})
        return self._activity(identifier, described[f"{self.resource}Arn"], call)

    def _activity(self, identifier: str, arn: str, call: Call) -> Activity:
        named = {self.name_member: identifier}

        def progress() -> StepProgress:
            described = call(self.describe, named)
            if not self.has_status:
                return StepProgress("Succeeded", described)
            status = _STEP_STATUS.get(described[f"{self.resource}Status"], "Executing")
            return StepProgress(status, described, described.get("FailureReason"))

        def stop() -> None:
            # Nothing else can be stopped.
            if self.resource.endswith("Job"):
                call(f"Stop{self.resource}", named)

        key = self.metadata_key or self.resource
        return Activity({key: {"Arn": arn}}, progress, stop, identifier)


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

    def prepare(self, step: PipelineStep, scope: Scope) -> dict[str, Any]:
        """The outcome; raises ExpressionError."""
        return {"Outcome": all_hold(parse_conditions(step.arguments["Conditions"]), scope)}

    def begin(self, request: dict[str, Any], call: Call) -> Activity:
        """It has succeeded already."""
        metadata = {"Condition": {"Outcome": str(request["Outcome"])}}
        return Activity(metadata, lambda: StepProgress("Succeeded", request))


class FailStep:
    """Ends the execution as Failed, with a message."""

    def prepare(self, step: PipelineStep, scope: Scope) -> dict[str, Any]:
        """The message; raises ExpressionError."""
        return {"ErrorMessage": str(evaluate(step.arguments.get("ErrorMessage") or "", scope))}

    def begin(self, request: dict[str, Any], call: Call) -> Activity:
        """It has failed already."""
        # AWS gives a step without a message no FailureReason at all.
        reason = request["ErrorMessage"] or None
        return Activity({"Fail": request}, lambda: StepProgress("Failed", failure_reason=reason))


STEP_TYPES: Mapping[str, ResourceStep | ConditionStep | FailStep] = {
    "Processing": ResourceStep(
        "ProcessingJob", ("AppSpecification", "Environment", "ProcessingInputs")
    ),
    "Training": ResourceStep(
        "TrainingJob",
        (
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
        "TransformJob", ("DataProcessing", "Environment", "ModelName", "TransformInput")
    ),
    "Model": ResourceStep("Model", has_status=False),
    "RegisterModel": ResourceStep("ModelPackage", metadata_key="RegisterModel", is_named=False),
    "Condition": ConditionStep(),
    "Fail": FailStep(),
}
"""By the name that definitions use."""
