"""Runs transform jobs on model servers of their own."""

from __future__ import annotations

import shutil
from typing import Any

from rehearsal.backends import Change, Variant
from rehearsal.running import RunningJobs
from rehearsal.settings import RehearsalSettings
from rehearsal.transform.job import TransformJob


class ProcessTransforms:
    """A `rehearsal.backends.TransformBackend`."""

    def __init__(self, settings: RehearsalSettings) -> None:
        self._settings = settings
        self._folder = settings.state / "transforms"
        self._jobs = RunningJobs()
        # What a rehearsal that was killed left.
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self, request: dict[str, Any], variant: Variant, arn: str, change: Change) -> None:
        folder = self._folder / request["TransformJobName"]
        job = TransformJob(self._settings, request, variant, change, folder)
        self._jobs.start(arn, job)

    def stop(self, arn: str) -> None:
        self._jobs.stop(arn)

    def close(self) -> None:
        self._jobs.close()
