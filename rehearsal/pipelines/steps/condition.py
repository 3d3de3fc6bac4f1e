"""Condition: decides which branch runs."""

from __future__ import annotations

from typing import Any

from rehearsal.backends import Call
from rehearsal.pipelines.conditions import all_hold, parse_conditions
from rehearsal.pipelines.expressions import Scope
from rehearsal.pipelines.model import Step
from rehearsal.pipelines.steps.base import Done, Look


class ConditionStep:
    operation: str | None = None
    generated: str | None = None
    describe: str | None = None

    def check(self, step: Step) -> None:
        """Raises pydantic.ValidationError when Conditions can't be read."""
        parse_conditions(step.arguments.get("Conditions"))

    def prepare(self, step: Step, scope: Scope) -> dict[str, Any]:
        return {"Outcome": all_hold(parse_conditions(step.arguments["Conditions"]), scope)}

    def begin(self, request: dict[str, Any], call: Call) -> Done:
        metadata = {"Condition": {"Outcome": str(request["Outcome"])}}
        return Done(metadata, Look("Succeeded", request))
