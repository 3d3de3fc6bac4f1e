"""The jobs that run, of whatever kind, so that they can be stopped."""

from __future__ import annotations

import threading
from typing import Protocol


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

    def start(self, arn: str, job: Job) -> None:
        with self._lock:
            self._jobs = {key: each for key, each in self._jobs.items() if each.running}
            self._jobs[arn] = job
        job.start()

    def stop(self, arn: str) -> None:
        """An unknown ARN is no error."""
        with self._lock:
            job = self._jobs.get(arn)
        if job:
            job.stop()

    def close(self) -> None:
        """Ends all and waits for them."""
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.close()
        for job in jobs:
            job.join()
