"""Runs processing and training jobs as processes in namespaces of their own."""

from __future__ import annotations

import shutil
import threading
from typing import Any

from rehearsal.backends import Change
from rehearsal.jobs.job import Job, Options
from rehearsal.jobs.processing import ProcessingJob
from rehearsal.jobs.training import TrainingJob
from rehearsal.settings import RehearsalSettings

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTrainingJob.html
GRACE_SECONDS = 120.0


class ProcessBackend:
    """A `rehearsal.backends.JobBackend`.

    :param grace_seconds: from SIGTERM to SIGKILL when a job is stopped.
    :param keep_folders: leaves a job's folder, below `jobs` in the state folder, when it has ended.
    """

    def __init__(
        self,
        settings: RehearsalSettings,
        *,
        grace_seconds: float = GRACE_SECONDS,
        keep_folders: bool = False,
    ):
        self._settings = settings
        self._grace_seconds = grace_seconds
        self._keep_folders = keep_folders
        self._folder = settings.state / "jobs"
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        if not keep_folders:
            # What a rehearsal that was killed left.
            shutil.rmtree(self._folder, ignore_errors=True)

    def start_processing_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        self._start(
            ProcessingJob, request, arn, change, f"processing-{request['ProcessingJobName']}"
        )

    def start_training_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        self._start(TrainingJob, request, arn, change, f"training-{request['TrainingJobName']}")

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

    def _start(
        self, kind: type[Job], request: dict[str, Any], arn: str, change: Change, folder: str
    ) -> None:
        job = kind(
            self._settings,
            request,
            arn,
            change,
            Options(self._folder / folder, self._grace_seconds, self._keep_folders),
        )
        with self._lock:
            self._jobs = {key: each for key, each in self._jobs.items() if each.running}
            self._jobs[arn] = job
        job.start()
