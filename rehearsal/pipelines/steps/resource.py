"""Steps that create a resource by SageMaker's API and read it back: jobs, models, packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.backends import Call
from rehearsal.pipelines.expressions import Scope, evaluate
from rehearsal.pipelines.model import Step
from rehearsal.pipelines.names import resource_name
from rehearsal.pipelines.steps.base import Look

_STEP_STATUS = {
    "Completed": "Succeeded",
    "Failed": "Failed",
    "Stopped": "Stopped",
    "Stopping": "Stopping",
}


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
        return f"Create{self.resource}"

    @property
    def describe(self) -> str:
        return f"Describe{self.resource}"

    @property
    def generated(self) -> str | None:
        return self.name_member if self.named else None

    @property
    def name_member(self) -> str:
        return f"{self.resource}Name"

    @property
    def arn_member(self) -> str:
        return f"{self.resource}Arn"

    def check(self, step: Step) -> None:
        return None

    def prepare(self, step: Step, scope: Scope) -> dict[str, Any]:
        if not self.named:
            return dict(evaluate(step.arguments, scope))
        prefix = step.arguments.get(self.name_member)
        prefix = None if prefix is None else str(evaluate(prefix, scope))
        name = resource_name(scope.execution["PipelineExecutionId"], step.name, prefix)
        own = scope.with_execution(**{self.name_member: name})
        return {**evaluate(step.arguments, own), self.name_member: name}

    def begin(self, request: dict[str, Any], call: Call) -> CreatedResource:
        arn = str(call(self.operation, request)[self.arn_member])
        identifier = request[self.name_member] if self.named else arn
        return CreatedResource(self, call, identifier, {self.metadata_key: {"Arn": arn}})

    def find(self, identifier: str, call: Call) -> CreatedResource:
        """What an earlier step created, for a cache hit; raises ApiError when it is gone."""
        arn = call(self.describe, {self.name_member: identifier})[self.arn_member]
        return CreatedResource(self, call, identifier, {self.metadata_key: {"Arn": str(arn)}})


@dataclass(frozen=True)
class CreatedResource:
    step_type: ResourceStep
    call: Call
    identifier: str | None
    metadata: Mapping[str, Any]

    def look(self) -> Look:
        described = self._call(self.step_type.describe)
        member = self.step_type.status_member
        if member is None:
            return Look("Succeeded", described)
        status = _STEP_STATUS.get(described[member], "Executing")
        return Look(status, described, described.get("FailureReason"))

    def stop(self) -> None:
        if self.step_type.stoppable:
            self._call(f"Stop{self.step_type.resource}")

    def _call(self, operation: str) -> dict[str, Any]:
        return self.call(operation, {self.step_type.name_member: self.identifier})
