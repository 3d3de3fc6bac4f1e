"""How long a job may take, and when it has its instances.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html
"""

import time
from datetime import UTC, datetime, timedelta
from enum import Enum


class Limit(Enum):
    """A limit by the secondary status of a job that reached it."""

    RUNTIME = "MaxRuntimeExceeded"
    WAIT_TIME = "MaxWaitTimeExceeded"


class Limits:
    """The limits of one job over all its attempts; the wait time counts from here.

    Attributes:
        max_runtime_seconds: for the containers, all attempts together.
        max_wait_seconds: for a managed spot job from its start to its end; else None.
    """

    def __init__(self, max_runtime_seconds: float, max_wait_seconds: float | None) -> None:
        self._runtime = max_runtime_seconds
        self._wait_time = max_wait_seconds
        self._began = time.monotonic()
        self._ran = 0.0
        self._running_since: float | None = None

    def containers_run(self) -> None:
        """Begins to count the runtime."""
        self._running_since = time.monotonic()

    def containers_ended(self) -> None:
        """Counts no more runtime, until `containers_run` again."""
        if self._running_since is not None:
            self._ran += time.monotonic() - self._running_since
            self._running_since = None

    def reached(self) -> Limit | None:
        """The limit that is over, if one is."""
        now = time.monotonic()
        if self._wait_time is not None and now - self._began >= self._wait_time:
            return Limit.WAIT_TIME
        since = self._running_since
        ran = self._ran + (now - since if since is not None else 0.0)
        return Limit.RUNTIME if ran >= self._runtime else None

    def sentence(self, limit: Limit) -> str:
        """Why the job was stopped, as its FailureReason."""
        what = {
            Limit.RUNTIME: f"ran for its MaxRuntimeInSeconds, {self._runtime}",
            Limit.WAIT_TIME: f"was not complete after its MaxWaitTimeInSeconds, {self._wait_time}",
        }[limit]
        return f"{limit.value}: the job {what}, and was stopped; raise it or give the job less."


class InstanceTime:
    """When a training job has its instances: what it took, and what AWS would bill.

    It has them more than once where a managed spot job was interrupted.
    """

    def __init__(self) -> None:
        self._first_acquired: datetime | None = None
        self._acquired: datetime | None = None
        self._had = timedelta()

    def acquire(self) -> datetime:
        """The instances are there; returns when they first were."""
        self._acquired = datetime.now(UTC)
        self._first_acquired = self._first_acquired or self._acquired
        return self._first_acquired

    def release(self) -> None:
        """They were taken away, or the job has ended."""
        if self._acquired is not None:
            self._had += datetime.now(UTC) - self._acquired
            self._acquired = None

    def fields(self, end: datetime) -> dict[str, int]:
        """`TrainingTimeInSeconds` and `BillableTimeInSeconds`: from when the instances first were
        there to the `end` of the job, and while they were. Each at least 1, as the service model
        has it.
        """
        whole = end - self._first_acquired if self._first_acquired else timedelta()
        training = max(round(whole.total_seconds()), 1)
        billable = max(round(self._had.total_seconds()), 1)
        return {
            "TrainingTimeInSeconds": training,
            "BillableTimeInSeconds": min(billable, training),
        }
