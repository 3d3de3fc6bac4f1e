"""What every type of step does: make its request ready, begin, be looked at, be stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rehearsal.backends import Call
from rehearsal.pipelines.expressions import Scope
from rehearsal.pipelines.model import Step


@dataclass(frozen=True)
class Look:
    """How a begun step stands.

    status: botocore's StepStatus. properties: what `Steps.<name>.…` finds once it succeeded.
    """

    status: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    failure_reason: str | None = None


class Activity(Protocol):
    """A step that was begun.

    metadata: botocore's PipelineExecutionStepMetadata. identifier: what Describe takes, for the
    cache; None when there is nothing to describe.
    """

    @property
    def metadata(self) -> Mapping[str, Any]: ...

    @property
    def identifier(self) -> str | None: ...

    def look(self) -> Look:
        """Ask how it stands; raises ApiError."""

    def stop(self) -> None:
        """Ask it to stop; returns at once; raises ApiError."""


class StepType(Protocol):
    """One type of step.

    operation: the API operation whose request Arguments are, if any. generated: the member of it
    that the engine fills in. describe: the operation whose response holds the properties.
    """

    @property
    def operation(self) -> str | None: ...

    @property
    def generated(self) -> str | None: ...

    @property
    def describe(self) -> str | None: ...

    def check(self, step: Step) -> None:
        """Refuse Arguments that only this type understands; raises ApiError."""

    def prepare(self, step: Step, scope: Scope) -> dict[str, Any]:
        """Arguments with every expression evaluated; raises ExpressionError."""

    def begin(self, request: dict[str, Any], call: Call) -> Activity:
        """Start it; raises ApiError."""


@dataclass(frozen=True)
class Done:
    """The activity of a step that is over as soon as it begins."""

    metadata: Mapping[str, Any]
    result: Look
    identifier: str | None = None

    def look(self) -> Look:
        return self.result

    def stop(self) -> None:
        return None
