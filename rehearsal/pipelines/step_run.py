"""One step of one execution: from Starting to its end, with retries and the cache."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rehearsal.backends import Call, ExecutionReports
from rehearsal.errors import ApiError
from rehearsal.pipelines import retries
from rehearsal.pipelines.cache import Hit, StepCache, signature
from rehearsal.pipelines.definition import ExceptionType, PipelineStep
from rehearsal.pipelines.expressions import ExpressionError, ReadS3, Scope
from rehearsal.pipelines.steps import STEP_TYPES, Activity, ResourceStep, StepProgress


@dataclass(frozen=True)
class Services:
    """What the engine works with.

    Attributes:
        now: the time, aware.
        poll_seconds: between two looks at running jobs.
    """

    call: Call
    reports: ExecutionReports
    cache: StepCache
    read_s3: ReadS3
    now: Callable[[], datetime]
    poll_seconds: float


log = logging.getLogger(__name__)

OVER = ("Succeeded", "Failed", "Stopped")
_LONGEST_REASON = 1024


class StepRun:
    """One step of one execution.

    Attributes:
        status: `Waiting` until it begins, then botocore's StepStatus.
        properties: what `Steps.<name>.…` finds once it succeeded.
    """

    def __init__(
        self,
        step: PipelineStep,
        execution: Mapping[str, Any],
        services: Services,
        scope: Callable[[], Scope],
    ) -> None:
        self.step = step
        self.status = "Waiting"
        self.properties: Mapping[str, Any] = {}
        self._kind = STEP_TYPES[step.type]
        self._pipeline_arn: str = execution["PipelineArn"]
        self._execution_arn: str = execution["PipelineExecutionArn"]
        self._services = services
        self._now = services.now
        self._scope = scope
        self._activity: Activity | None = None
        self._attempts = 0
        self._first_start: datetime | None = None
        self._retry_at: datetime | None = None
        self._stopping = False
        self._signature: str | None = None
        self._report: dict[str, Any] = {}

    @property
    def is_running(self) -> bool:
        """Whether it has begun and is not over."""
        return self.status != "Waiting" and self.status not in OVER

    def succeed_as_before(self, properties: Mapping[str, Any]) -> None:
        """In place of `begin`: it succeeded before the execution was retried."""
        self.properties = properties
        self.status = "Succeeded"

    def begin(self) -> None:
        """Start the first attempt; a step that needs no job is over when this returns."""
        self._first_start = self._now()
        named = {
            "StepName": self.step.name,
            "StepDisplayName": self.step.display_name,
            "StepDescription": self.step.description,
        }
        self._report = {key: text for key, text in named.items() if text}
        self._report |= {"StepType": self.step.type, "StartTime": self._first_start, "Metadata": {}}
        self._attempt()

    def advance(self) -> None:
        """See how it stands, and try again when a retry is due."""
        if self._retry_at is None:
            self._look()
        elif self._now() >= self._retry_at:
            self._retry_at = None
            self._attempt()

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

    def _attempt(self) -> None:
        self._attempts += 1
        self._activity = None
        self._record("Starting")
        try:
            request = self._kind.prepare(self.step, self._scope())
        except ExpressionError as error:
            self._end("Failed", str(error))
            return
        if not self._reuse(request):
            self._create(request)

    def _create(self, request: dict[str, Any]) -> None:
        try:
            self._activity = self._kind.begin(request, self._services.call)
        except ApiError as error:
            operation = getattr(self._kind, "operation", "")
            reason = f"Failed to invoke sagemaker:{operation}. Error Details: {error.message}"
            self._retry_or_fail(retries.of_error(error), f"ClientError: {reason}")
            return
        self._report["Metadata"] = dict(self._activity.metadata)
        self._record("Executing")
        self._look()

    def _look(self) -> None:
        if self._activity is None:
            return
        try:
            progress = self._activity.progress()
        except ApiError as error:
            if retries.of_error(error) is None:
                self._end("Failed", f"ClientError: {error.message}")
            return
        self._take(progress, self._activity)

    def _take(self, progress: StepProgress, activity: Activity) -> None:
        match progress.status:
            case "Succeeded":
                self._remember(activity)
                self._succeed(progress)
            case "Failed":
                self._failed(progress)
            case "Stopped":
                self._end("Stopped")
            case status if status != self.status and not self._stopping:
                self._record(status)

    def _failed(self, progress: StepProgress) -> None:
        reason = progress.failure_reason
        if not isinstance(self._kind, ResourceStep):
            self._end("Failed", reason)
        else:
            # AWS puts this word before a job's own reason.
            kind = retries.of_failure_reason(reason or "")
            self._retry_or_fail(kind, f"ClientError: {reason or 'no reason was given'}")

    def _retry_or_fail(self, kind: ExceptionType | None, reason: str) -> None:
        now = self._now()
        elapsed = (now - (self._first_start or now)).total_seconds()
        wait = retries.delay(self.step.retry_policies, kind, self._attempts - 1, elapsed)
        if wait is None or self._stopping:
            self._end("Failed", f"{reason}{self._not_retried(kind)}")
            return
        log.info("step %s: trying again in %.1f s: %s", self.step.name, wait, reason)
        self._retry_at = now + timedelta(seconds=wait)

    def _not_retried(self, kind: ExceptionType | None) -> str:
        if kind is None or any(kind in p.exception_type for p in self.step.retry_policies):
            return ""
        return (
            "\nRetry not appropriate on execution of step with PipelineExecutionArn "
            f"{self._execution_arn} and StepId {self.step.name}. No retry policy "
            f"configured for the exception type {kind.upper().replace('.', '_')}."
        )

    def _reuse(self, request: Mapping[str, Any]) -> bool:
        """Take an earlier success of the same step; False when there is none."""
        kind, config = self._kind, self.step.cache_config
        if not (isinstance(kind, ResourceStep) and kind.cache_attributes and config.enabled):
            return False
        self._signature = signature(self.step.type, request, kind.cache_attributes)
        hit = self._services.cache.find(
            self._pipeline_arn, self.step.name, self._signature, self._now(), config.expire_after
        )
        return hit is not None and self._take_from_cache(kind, hit)

    def _take_from_cache(self, kind: ResourceStep, hit: Hit) -> bool:
        try:
            found = kind.find(hit.identifier, self._services.call)
            progress = found.progress()
        except ApiError as error:
            log.info("step %s: the cached run is gone: %s", self.step.name, error)
            return False
        self._report["Metadata"] = dict(found.metadata)
        self._report["CacheHitResult"] = {"SourcePipelineExecutionArn": hit.execution_arn}
        self._succeed(progress)
        return True

    def _remember(self, activity: Activity) -> None:
        if self._signature is not None and activity.identifier is not None:
            hit = Hit(self._execution_arn, activity.identifier)
            self._services.cache.remember(
                self._pipeline_arn, self.step.name, self._signature, self._now(), hit
            )

    def _succeed(self, progress: StepProgress) -> None:
        self.properties = progress.properties
        self._report["Properties"] = dict(progress.properties)
        self._end("Succeeded")

    def _end(self, status: str, reason: str | None = None) -> None:
        self._report["EndTime"] = self._now()
        if reason is not None:
            self._report["FailureReason"] = reason[:_LONGEST_REASON]
        self._retry_at = None
        self._record(status)

    def _record(self, status: str) -> None:
        self.status = status
        self._report |= {"StepStatus": status, "AttemptCount": self._attempts}
        log.info("step %s: %s", self.step.name, status)
        self._services.reports.record_step(self._execution_arn, dict(self._report))
