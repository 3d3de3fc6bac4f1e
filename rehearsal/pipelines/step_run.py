"""One step of one execution: from Starting to its end, with retries and the cache."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rehearsal.backends import Call
from rehearsal.errors import ApiError
from rehearsal.pipelines import retries
from rehearsal.pipelines.cache import Hit, StepCache, signature
from rehearsal.pipelines.expressions import ExpressionError, Scope
from rehearsal.pipelines.model import ExceptionType, Step
from rehearsal.pipelines.steps import STEP_TYPES
from rehearsal.pipelines.steps.base import Activity, Look
from rehearsal.pipelines.steps.resource import ResourceStep
from rehearsal.pipelines.tools import Tools

log = logging.getLogger(__name__)

OVER = ("Succeeded", "Failed", "Stopped")
_LONGEST_REASON = 1024


@dataclass(frozen=True)
class Context:
    """What the steps of an execution share."""

    pipeline_arn: str
    execution_arn: str
    tools: Tools

    @property
    def call(self) -> Call:
        return self.tools.call

    @property
    def cache(self) -> StepCache:
        return self.tools.cache

    def now(self) -> datetime:
        return self.tools.outside.now()

    def record(self, step: dict[str, Any]) -> None:
        self.tools.reports.record_step(self.execution_arn, step)


class StepRun:
    """status is `Waiting` until it begins, then botocore's StepStatus."""

    def __init__(self, step: Step, context: Context) -> None:
        self.step = step
        self.status = "Waiting"
        self.properties: Mapping[str, Any] = {}
        self._kind = STEP_TYPES[step.type]
        self._context = context
        self._activity: Activity | None = None
        self._scope: Callable[[], Scope] | None = None
        self._attempts = 0
        self._first_start: datetime | None = None
        self._retry_at: datetime | None = None
        self._stopping = False
        self._signature: str | None = None
        self._report: dict[str, Any] = {}

    @property
    def is_running(self) -> bool:
        return self.status != "Waiting" and self.status not in OVER

    def keep(self, properties: Mapping[str, Any]) -> None:
        """In place of `begin`: it succeeded before the execution was retried."""
        self.properties = properties
        self.status = "Succeeded"

    def begin(self, scope: Callable[[], Scope]) -> None:
        """Start the first attempt; a step that needs no job is over when this returns."""
        self._scope = scope
        self._first_start = self._context.now()
        self._report = {"StepType": self.step.type, **_described(self.step)}
        self._report |= {"StartTime": self._first_start, "Metadata": {}}
        self._attempt(scope)

    def advance(self) -> None:
        """See how it stands, and try again when a retry is due."""
        if self._retry_at is None:
            self._look()
        elif self._context.now() >= self._retry_at and self._scope is not None:
            self._retry_at = None
            self._attempt(self._scope)

    def stop(self) -> None:
        """Ask it to stop, once; a step that can't be stopped is waited for."""
        if self._stopping:
            return
        self._stopping = True
        if self._retry_at is not None or self._activity is None:
            self._end("Stopped")
            return
        try:
            self._activity.stop()
        except ApiError as error:
            log.info("step %s did not take the stop: %s", self.step.name, error)
        self._record("Stopping")

    def _attempt(self, scope: Callable[[], Scope]) -> None:
        self._attempts += 1
        self._activity = None
        self._record("Starting")
        try:
            request = self._kind.prepare(self.step, scope())
        except ExpressionError as error:
            self._end("Failed", str(error))
            return
        if not self._reuse(request):
            self._create(request)

    def _create(self, request: dict[str, Any]) -> None:
        try:
            self._activity = self._kind.begin(request, self._context.call)
        except ApiError as error:
            self._retry_or_fail(retries.of_error(error), self._refused(error))
            return
        self._report["Metadata"] = dict(self._activity.metadata)
        self._record("Executing")
        self._look()

    def _look(self) -> None:
        if self._activity is None:
            return
        try:
            look = self._activity.look()
        except ApiError as error:
            if retries.of_error(error) is None:
                self._end("Failed", f"ClientError: {error.message}")
            return
        self._take(look, self._activity)

    def _take(self, look: Look, activity: Activity) -> None:
        match look.status:
            case "Succeeded":
                self._remember(activity)
                self._succeed(look)
            case "Failed":
                self._failed(look)
            case "Stopped":
                self._end("Stopped")
            case status if status != self.status and not self._stopping:
                self._record(status)

    def _failed(self, look: Look) -> None:
        reason = look.failure_reason
        if self._kind.operation is None:
            self._end("Failed", reason)
        else:
            # AWS puts this word before a job's own reason.
            kind = retries.of_failure_reason(reason or "")
            self._retry_or_fail(kind, f"ClientError: {reason or 'no reason was given'}")

    def _retry_or_fail(self, kind: ExceptionType | None, reason: str) -> None:
        now = self._context.now()
        elapsed = (now - (self._first_start or now)).total_seconds()
        wait = retries.delay(self.step.retry_policies, kind, self._attempts - 1, elapsed)
        if wait is None or self._stopping:
            self._end("Failed", f"{reason}{self._not_retried(kind)}")
            return
        log.info("step %s: trying again in %.1f s: %s", self.step.name, wait, reason)
        self._retry_at = now + timedelta(seconds=wait)

    def _refused(self, error: ApiError) -> str:
        return (
            f"ClientError: Failed to invoke sagemaker:{self._kind.operation}. "
            f"Error Details: {error.message}"
        )

    def _not_retried(self, kind: ExceptionType | None) -> str:
        if kind is None or any(kind in p.exception_type for p in self.step.retry_policies):
            return ""
        return (
            "\nRetry not appropriate on execution of step with PipelineExecutionArn "
            f"{self._context.execution_arn} and StepId {self.step.name}. No retry policy "
            f"configured for the exception type {kind.upper().replace('.', '_')}."
        )

    def _reuse(self, request: Mapping[str, Any]) -> bool:
        """Take an earlier success of the same step; False when there is none."""
        kind, config = self._kind, self.step.cache_config
        if not (isinstance(kind, ResourceStep) and kind.cache_attributes and config.enabled):
            return False
        context = self._context
        self._signature = signature(self.step.type, request, kind.cache_attributes)
        hit = context.cache.find(
            context.pipeline_arn,
            self.step.name,
            self._signature,
            context.now(),
            config.expire_after,
        )
        return hit is not None and self._take_from_cache(kind, hit)

    def _take_from_cache(self, kind: ResourceStep, hit: Hit) -> bool:
        try:
            found = kind.find(hit.identifier, self._context.call)
            look = found.look()
        except ApiError as error:
            log.info("step %s: the cached run is gone: %s", self.step.name, error)
            return False
        self._report["Metadata"] = dict(found.metadata)
        self._report["CacheHitResult"] = {"SourcePipelineExecutionArn": hit.execution_arn}
        self._succeed(look)
        return True

    def _remember(self, activity: Activity) -> None:
        if self._signature is not None and activity.identifier is not None:
            context = self._context
            context.cache.remember(
                context.pipeline_arn,
                self.step.name,
                self._signature,
                context.now(),
                Hit(context.execution_arn, activity.identifier),
            )

    def _succeed(self, look: Look) -> None:
        self.properties = look.properties
        self._report["Properties"] = dict(look.properties)
        self._end("Succeeded")

    def _end(self, status: str, reason: str | None = None) -> None:
        self._report["EndTime"] = self._context.now()
        if reason is not None:
            self._report["FailureReason"] = reason[:_LONGEST_REASON]
        self._retry_at = None
        self._record(status)

    def _record(self, status: str) -> None:
        self.status = status
        self._report |= {"StepStatus": status, "AttemptCount": self._attempts}
        log.info("step %s: %s", self.step.name, status)
        self._context.record(dict(self._report))


def _described(step: Step) -> dict[str, str]:
    texts = {
        "StepName": step.name,
        "StepDisplayName": step.display_name,
        "StepDescription": step.description,
    }
    return {key: text for key, text in texts.items() if text}
