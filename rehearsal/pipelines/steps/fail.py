"""Fail: ends the execution as Failed, with a message.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html
"""

from __future__ import annotations

from typing import Any

from rehearsal.backends import Call
from rehearsal.pipelines.expressions import Scope, evaluate
from rehearsal.pipelines.model import Step
from rehearsal.pipelines.steps.base import Done, Look


class FailStep:
    operation: str | None = None
    generated: str | None = None
    describe: str | None = None

    def check(self, step: Step) -> None:
        return None

    def prepare(self, step: Step, scope: Scope) -> dict[str, Any]:
        return {"ErrorMessage": str(evaluate(step.arguments.get("ErrorMessage") or "", scope))}

    def begin(self, request: dict[str, Any], call: Call) -> Done:
        # AWS gives a step without a message no FailureReason at all.
        reason = request["ErrorMessage"] or None
        return Done({"Fail": request}, Look("Failed", failure_reason=reason))
