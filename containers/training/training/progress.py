"""How far a training has come: all that has to be known to go on from there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from training.early_stopping import EarlyStopping
from training.totals import Totals


@dataclass
class Progress:
    """Of the whole job, the same on every worker but for `totals.records` and its seconds.

    Attributes:
        step: steps of `epoch` that are done.
        totals: of these steps.
        history: an entry for each epoch that is over, validation included.
        read: records that this worker read in each epoch that is over.
        ended: there is nothing more to train.
    """

    early_stopping: EarlyStopping
    epoch: int = 0
    step: int = 0
    totals: Totals = field(default_factory=Totals)
    history: list[dict[str, Any]] = field(default_factory=list)
    read: list[int] = field(default_factory=list)
    ended: bool = False

    def next_epoch(self, entry: dict[str, Any]) -> None:
        self.history.append(entry)
        self.read.append(self.totals.records)
        self.epoch, self.step, self.totals = self.epoch + 1, 0, Totals()
