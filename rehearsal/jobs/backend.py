"""Runs jobs as processes in namespaces of their own."""

import shutil
from dataclasses import replace
from typing import Any

from rehearsal import aws
from rehearsal.backends import Change, Variant
from rehearsal.jobs.credentials import CredentialsEndpoint
from rehearsal.jobs.processing import ProcessingJob
from rehearsal.jobs.run import Options, Runs
from rehearsal.jobs.training import TrainingJob
from rehearsal.jobs.transform import TransformJob
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
    """

    def __init__(
        self,
        settings: RehearsalSettings,
        *,
        grace_seconds: float = GRACE_SECONDS,
        credential_seconds: int = aws.LIFE_SECONDS,
        replacement_seconds: float = _REPLACEMENT_SECONDS,
    ) -> None:
        self._settings = settings
        self._credentials = CredentialsEndpoint()
        self._folder = settings.state / "jobs"
        self._options = Options(
            self._folder,
            grace_seconds,
            self._credentials,
            credential_seconds,
            replacement_seconds,
        )
        self._runs = Runs()
        # What a rehearsal that was killed left.
        shutil.rmtree(self._folder, ignore_errors=True)

    def start_processing_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        """`rehearsal.backends.JobBackend.start_processing_job`."""
        options = self._options_of(f"processing-{request['ProcessingJobName']}")
        self._runs.start(arn, ProcessingJob(self._settings, request, arn, change, options))

    def start_training_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        """`rehearsal.backends.JobBackend.start_training_job`."""
        options = self._options_of(f"training-{request['TrainingJobName']}")
        self._runs.start(arn, TrainingJob(self._settings, request, arn, change, options))

    def start_transform_job(
        self, request: dict[str, Any], variant: Variant, arn: str, change: Change
    ) -> None:
        """`rehearsal.backends.JobBackend.start_transform_job`."""
        options = self._options_of(f"transform-{request['TransformJobName']}")
        self._runs.start(arn, TransformJob(self._settings, request, variant, change, options))

    def stop(self, arn: str) -> None:
        """`rehearsal.backends.JobBackend.stop`."""
        self._runs.stop(arn)

    def close(self) -> None:
        """`rehearsal.backends.JobBackend.close`."""
        self._runs.close()
        self._credentials.close()

    def _options_of(self, job: str) -> Options:
        return replace(self._options, folder=self._folder / job)
