"""The jobs that run, of whatever kind, so that they can be stopped."""

from __future__ import annotations

import threading
from typing import Protocol

from rehearsal.errors import ApiError


class Job(Protocol):
    """What runs in threads and processes of its own."""

    @property
    def running(self) -> bool: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...

    def join(self) -> None: ...


class RunningJobs:
    """By ARN; those that are over are forgotten as others come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._closed = False

    def start(self, arn: str, job: Job) -> None:
        """Raises:
        ApiError: they were closed; nobody would end this one.
        """
        with self._lock:
            if self._closed:
                raise ApiError(
                    "ServiceUnavailable",
                    f"The rehearsal is being stopped and does not start {arn}: start the "
                    "rehearsal and then the job again.",
                    503,
                )
            # At once: to another start, one that does not run yet would be one that is over.
            job.start()
            self._jobs = {key: each for key, each in self._jobs.items() if each.running}
            self._jobs[arn] = job

    def stop(self, arn: str) -> None:
        """An unknown ARN is no error."""
        with self._lock:
            job = self._jobs.get(arn)
        if job:
            job.stop()

    def close(self) -> None:
        """Ends all and waits for them; none starts from then on."""
        with self._lock:
            self._closed = True
            jobs = list(self._jobs.values())
        for job in jobs:
            job.close()
        for job in jobs:
            job.join()
