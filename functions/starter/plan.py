"""Whether a run may begin, and what it covers: nothing here talks to AWS."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from .records import Drop, History, Run, is_drift

# DynamoDB's items have 400 KB at most; a name of drift's has half a KB at most.
_BYTES = 300_000
_A_NUMBER = 16


@dataclass(frozen=True)
class Guards:
    """Limits of the settings; `executions_per_day` is 0 for none."""

    concurrent_executions: int
    executions_per_day: int

    def against(self, executing: int) -> str:
        """Why there may not be another one beside those that run; empty where there may."""
        if executing < self.concurrent_executions:
            return ""
        return (
            f"{executing} of {self.concurrent_executions} executions at once "
            f"{'runs' if executing == 1 else 'run'}: what waits goes into the next one."
        )

    def against_cost(self, history: History) -> str:
        """Why nothing may start without a person; empty where something may."""
        if not self.executions_per_day or history.alone < self.executions_per_day:
            return ""
        return (
            f"{history.alone} runs began in the last 24 hours without a person, and "
            f"{self.executions_per_day} may: ./scripts/drops --release lets the next one begin."
        )


def next_run(history: History, drops: Iterable[Drop], now: datetime, released_by: str) -> Run:
    """The run that covers what waits, and what unsuccessful runs have left.

    Its DropId is the newest drop's, of which CreateManifests says in the clearest words what is
    wrong with it; drift's only where no drop waits. Where there are more than an item can hold,
    the newest are left for the run after it.
    """
    oldest_first = sorted(drops, key=lambda drop: (not drop.waits, drop.since, drop.id))
    covered = _fitting(oldest_first)
    return Run(
        number=history.newest + 1,
        drop_id=max((d for d in covered if d.waits), key=_newest_drop_last).id,
        drops={drop.id: drop.generation for drop in covered},
        token=uuid.uuid4().hex,
        created=now,
        released_by=released_by,
    )


def _newest_drop_last(drop: Drop) -> tuple[bool, datetime, str]:
    return not is_drift(drop.id), drop.since, drop.id


def _fitting(drops: Sequence[Drop]) -> list[Drop]:
    fitting: list[Drop] = []
    size = 0
    for drop in drops:
        size += len(drop.id.encode()) + _A_NUMBER
        if size > _BYTES and fitting:
            break
        fitting.append(drop)
    return fitting
