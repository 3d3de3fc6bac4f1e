"""What the engine works with, and what the steps of one execution share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rehearsal.backends import Call, ExecutionReports
from rehearsal.pipelines.cache import StepCache
from rehearsal.pipelines.expressions import ReadS3


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Services:
    """What the engine works with.

    Attributes:
        call: SageMaker's API.
        reports: where it reports executions and steps.
        cache: earlier successes of steps.
        read_s3: S3 URI -> bytes.
        now: the time, aware.
        poll_seconds: between two looks at running jobs.
    """

    call: Call
    reports: ExecutionReports
    cache: StepCache
    read_s3: ReadS3
    now: Callable[[], datetime]
    poll_seconds: float


@dataclass(frozen=True)
class ExecutionContext:
    """What the steps of an execution share."""

    pipeline_arn: str
    execution_arn: str
    services: Services

    def record(self, step: dict[str, Any]) -> None:
        """Reports a step as it is now."""
        self.services.reports.record_step(self.execution_arn, step)
