"""What the table says of drops and runs."""

from dataclasses import dataclass, field
from datetime import datetime

WAITING, STARTING, REFUSED = "Waiting", "Starting", "Refused"
UNUSED, WITHDRAWN = "Unused", "Withdrawn"
"""Drops of which a run that succeeded used nothing: not fit, and not there any more."""
RUNNING = frozenset({STARTING, "Executing", "Stopping"})
UNSUCCESSFUL = frozenset({"Failed", "Stopped"})
"""SageMaker's words for executions, and three of our own before there is one."""
LEFT = UNSUCCESSFUL | {UNUSED}
"""Drops that the next run covers too, if one begins."""


@dataclass(frozen=True)
class Marker:
    """A drop's marker as S3 tells of it.

    Attributes:
        written: when S3 had it.
        sequencer: S3's order of the events of one key; empty where a listing found the marker.
        size: bytes.
    """

    drop_id: str
    written: datetime
    etag: str
    sequencer: str = ""
    version_id: str = ""
    size: int = 0


@dataclass(frozen=True)
class Drop:
    """What asks for a run: a complete drop, or drift as `drift/<model package group>/<version>`.

    Attributes:
        since: when its marker was written, or drift asked.
        generation: how often it has begun to wait; a run covers one generation of it.
    """

    id: str
    state: str
    since: datetime
    generation: int

    @property
    def waits(self) -> bool:
        return self.state == WAITING


def is_drift(drop_id: str) -> bool:
    """Whether drift asks, and no drop."""
    return "/" in drop_id


@dataclass(frozen=True)
class Fate:
    """What became of a drop that is not what became of its run; the reason is a sentence."""

    state: str
    reason: str


@dataclass(frozen=True)
class Run:
    """One execution that drops are to have, from before it is started.

    Attributes:
        number: from 1, without gaps.
        drop_id: its parameter DropId.
        drops: generations of the drops that it covers, by id: all were recorded before it started.
        token: SageMaker's ClientRequestToken.
        status: the execution's, or Starting.
        modified: when the execution was last changed, as SageMaker says; the later one counts.
        filed: `modified` of the status that the drops have been given.
    """

    number: int
    drop_id: str
    drops: dict[str, int]
    token: str
    created: datetime
    status: str = STARTING
    execution_arn: str = ""
    released_by: str = ""
    modified: str = ""
    filed: str | None = None
    reason: str = ""
    model_package_arn: str = ""

    @property
    def is_given_up(self) -> bool:
        """Whether SageMaker refused it for good: it has no execution and will have none."""
        return not self.execution_arn and self.status in UNSUCCESSFUL

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is left to do, unless somebody retries its execution."""
        return self.status not in RUNNING and self.filed == self.modified


@dataclass(frozen=True)
class History:
    """Runs as the guards look at them.

    Attributes:
        newest: number of the last run; 0 where there was none.
        alone: runs of the last 24 hours that no person released.
    """

    newest: int = 0
    alone: int = 0


@dataclass(frozen=True)
class Execution:
    """An execution as SageMaker describes it."""

    arn: str
    status: str
    modified: str
    reason: str = ""
    model_package_arn: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a look came to.

    Attributes:
        waiting: drops that wait.
        runs: numbers of the runs that are not over.
        held: why what waits has no run yet; empty where it has or nothing waits.
        is_held_by_guard: whether a person is needed.
        given_up: drops of runs that SageMaker refused for good at this look.
    """

    waiting: int = 0
    runs: list[int] = field(default_factory=list)
    held: str = ""
    is_held_by_guard: bool = False
    given_up: int = 0
