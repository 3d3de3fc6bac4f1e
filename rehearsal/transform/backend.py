"""Runs transform jobs on model servers of their own."""

from __future__ import annotations

import shutil
import threading
from typing import Any

from rehearsal.backends import Change, Variant
from rehearsal.settings import RehearsalSettings
from rehearsal.transform.job import TransformJob


class ProcessTransforms:
    """A `rehearsal.backends.TransformBackend`."""

    def __init__(self, settings: RehearsalSettings) -> None:
        self._settings = settings
        self._folder = settings.state / "transforms"
        self._lock = threading.Lock()
        self._jobs: dict[str, TransformJob] = {}
        # What a rehearsal that was killed left.
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self, request: dict[str, Any], variant: Variant, arn: str, change: Change) -> None:
        folder = self._folder / request["TransformJobName"]
        job = TransformJob(self._settings, request, variant, change, folder)
        with self._lock:
            self._jobs = {key: each for key, each in self._jobs.items() if each.running}
            self._jobs[arn] = job
        job.start()

    def stop(self, arn: str) -> None:
        with self._lock:
            job = self._jobs.get(arn)
        if job:
            job.stop()

    def close(self) -> None:
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.close()
        for job in jobs:
            job.join()
