"""What the engine reaches outside itself with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rehearsal.backends import Call, ExecutionReports
from rehearsal.pipelines.cache import StepCache
from rehearsal.pipelines.property_files import ReadS3


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Outside:
    """S3 and the clock. read_s3: S3 URI -> bytes. now: the time, aware."""

    read_s3: ReadS3
    now: Callable[[], datetime] = field(default=utc_now)


@dataclass(frozen=True)
class Tools:
    """The SageMaker API, where to report, earlier successes, S3 and the clock."""

    call: Call
    reports: ExecutionReports
    cache: StepCache
    outside: Outside
    poll_seconds: float
