"""Runs transform jobs on model servers of their own."""

from __future__ import annotations

import shutil
from typing import Any

from rehearsal import aws
from rehearsal.backends import Change, Variant
from rehearsal.jobs.transform import Options, TransformJob
from rehearsal.running import RunningJobs
from rehearsal.settings import RehearsalSettings

# As long as the first one has, by default:
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
_REPLACEMENT_SECONDS = 480.0


class ProcessTransforms:
    """A `rehearsal.backends.TransformBackend`.

    Attributes:
        credential_seconds: how long the credentials of a job's role live until they are renewed.
        replacement_seconds: that a server which died may take to be there again; then the job
            fails.
    """

    def __init__(
        self,
        settings: RehearsalSettings,
        *,
        credential_seconds: int = aws.LIFE_SECONDS,
        replacement_seconds: float = _REPLACEMENT_SECONDS,
    ) -> None:
        self._settings = settings
        self._credential_seconds = credential_seconds
        self._replacement_seconds = replacement_seconds
        self._folder = settings.state / "transforms"
        self._jobs = RunningJobs()
        # What a rehearsal that was killed left.
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self, request: dict[str, Any], variant: Variant, arn: str, change: Change) -> None:
        options = Options(
            self._folder / request["TransformJobName"],
            self._credential_seconds,
            self._replacement_seconds,
        )
        job = TransformJob(self._settings, request, variant, change, options)
        self._jobs.start(arn, job)

    def stop(self, arn: str) -> None:
        self._jobs.stop(arn)

    def close(self) -> None:
        self._jobs.close()
