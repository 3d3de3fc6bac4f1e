"""Runs jobs as processes in namespaces of their own."""

from __future__ import annotations

import shutil
from typing import Any

from rehearsal import aws
from rehearsal.backends import Change, Variant
from rehearsal.jobs import transform
from rehearsal.jobs.credentials import CredentialsEndpoint
from rehearsal.jobs.job import Job, Options
from rehearsal.jobs.processing import ProcessingJob
from rehearsal.jobs.training import TrainingJob
from rehearsal.running import RunningJobs
from rehearsal.settings import RehearsalSettings

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTrainingJob.html
GRACE_SECONDS = 120.0
# As long as a transform job's first server has, by default:
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
_REPLACEMENT_SECONDS = 480.0


class ProcessBackend:
    """A `rehearsal.backends.JobBackend`.

    Attributes:
        grace_seconds: from SIGTERM to SIGKILL when a job is stopped.
        credential_seconds: how long the credentials of a job's role live until they are renewed.
        replacement_seconds: that a transform job's server which died may take to be there again;
            then the job fails.
        keep_folders: leaves a job's folder, below `jobs` in the state folder, when it has ended.
    """

    def __init__(
        self,
        settings: RehearsalSettings,
        *,
        grace_seconds: float = GRACE_SECONDS,
        credential_seconds: int = aws.LIFE_SECONDS,
        replacement_seconds: float = _REPLACEMENT_SECONDS,
        keep_folders: bool = False,
    ):
        self._settings = settings
        self._grace_seconds = grace_seconds
        self._credential_seconds = credential_seconds
        self._replacement_seconds = replacement_seconds
        self._keep_folders = keep_folders
        self._credentials = CredentialsEndpoint()
        self._folder = settings.state / "jobs"
        self._jobs = RunningJobs()
        if not keep_folders:
            # What a rehearsal that was killed left.
            shutil.rmtree(self._folder, ignore_errors=True)

    def start_processing_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        self._start(
            ProcessingJob, request, arn, change, f"processing-{request['ProcessingJobName']}"
        )

    def start_training_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        self._start(TrainingJob, request, arn, change, f"training-{request['TrainingJobName']}")

    def start_transform_job(
        self, request: dict[str, Any], variant: Variant, arn: str, change: Change
    ) -> None:
        options = transform.Options(
            self._folder / f"transform-{request['TransformJobName']}",
            self._credential_seconds,
            self._replacement_seconds,
        )
        job = transform.TransformJob(self._settings, request, variant, change, options)
        self._jobs.start(arn, job)

    def stop(self, arn: str) -> None:
        self._jobs.stop(arn)

    def close(self) -> None:
        self._jobs.close()
        self._credentials.close()

    def _start(
        self, kind: type[Job], request: dict[str, Any], arn: str, change: Change, folder: str
    ) -> None:
        options = Options(
            folder=self._folder / folder,
            grace_seconds=self._grace_seconds,
            keep_folder=self._keep_folders,
            credentials=self._credentials,
            credential_seconds=self._credential_seconds,
        )
        self._jobs.start(arn, kind(self._settings, request, arn, change, options))
