"""What the table says of drops and runs."""

from dataclasses import dataclass, field
from datetime import datetime

WAITING, STARTING, REFUSED = "Waiting", "Starting", "Refused"
RUNNING = frozenset({STARTING, "Executing", "Stopping"})
UNSUCCESSFUL = frozenset({"Failed", "Stopped"})
"""SageMaker's words for executions, and three of our own before there is one."""


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
    """

    waiting: int = 0
    runs: list[int] = field(default_factory=list)
    held: str = ""
    is_held_by_guard: bool = False
