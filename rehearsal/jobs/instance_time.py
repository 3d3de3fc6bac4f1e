"""When a training job has its instances: what it took, and what AWS would bill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class InstanceTime:
    """The spells of one job; more than one where a managed spot job was interrupted."""

    def __init__(self) -> None:
        self.first_had: datetime | None = None
        self._had_since: datetime | None = None
        self._had = timedelta()

    def have(self) -> datetime:
        """The instances are there; returns when they first were."""
        self._had_since = datetime.now(UTC)
        self.first_had = self.first_had or self._had_since
        return self.first_had

    def lose(self) -> None:
        """They were taken away, or the job has ended."""
        if self._had_since is not None:
            self._had += datetime.now(UTC) - self._had_since
            self._had_since = None

    def fields(self, end: datetime) -> dict[str, int]:
        """`TrainingTimeInSeconds`, from the first spell's start to the `end` of the job, and
        `BillableTimeInSeconds`, the spells' own. Each at least 1, as the service model has it.
        """
        whole = end - self.first_had if self.first_had else timedelta()
        training = max(round(whole.total_seconds()), 1)
        billable = max(round(self._had.total_seconds()), 1)
        return {
            "TrainingTimeInSeconds": training,
            "BillableTimeInSeconds": min(billable, training),
        }
