"""What a finished run of the pipeline left behind that tells how fast it was."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Recorded(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Machine(_Recorded):
    """Whose cores a rehearsal's hosts shared; on AWS each job has instances of its own."""

    name: str = Field(description="e.g. AMD EPYC, 2 cores; AWS.")
    cores: int | None = Field(default=None, description="None on AWS.")


class Job(_Recorded):
    """One step's job; seconds are SageMaker's own."""

    instance: str
    count: int
    waiting_seconds: float = Field(ge=0, description="From its creation to its start.")
    seconds: float = Field(ge=0, description="From its start to its end.")


class Report(_Recorded):
    """What one ShardImages host told."""

    host: str
    records: int
    quarantined: int
    seconds: float


class Training(_Recorded):
    """`training.json` and `model.json`, and what training was told."""

    network: str
    parameters: int
    image_size: int
    precision: str
    batch_size: int
    workers: int
    workers_per_host: int
    history: list[dict[str, Any]]


class RecordedRun(_Recorded):
    """One execution, each step of which succeeded.

    Attributes:
        jobs: by step.
        channels: objects by channel.
    """

    execution: str
    on: date
    machine: Machine
    jobs: dict[str, Job]
    objects: int
    bytes: int
    channels: dict[str, int]
    reports: list[Report]
    training: Training

    @property
    def is_aws(self) -> bool:
        return self.machine.cores is None

    @property
    def mean_bytes(self) -> float:
        return self.bytes / self.objects
