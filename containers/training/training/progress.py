"""How far a training has come: all that has to be known to go on from there, or to end."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from training.data.order import Rest


@dataclass
class Totals:
    """Sums over all workers of one pass; seconds are those of this worker.

    Attributes:
        loss: sum over records, each with the weight of its class.
        weight: sum of these weights.
        records: this worker's own.
    """

    loss: float = 0.0
    correct: float = 0.0
    count: float = 0.0
    weight: float = 0.0
    records: int = 0
    seconds: float = 0.0
    input_seconds: float = 0.0
    communication_seconds: float = 0.0

    def add(self, loss: float, correct: float, count: float, weight: float) -> None:
        """Adds a step's sums over all workers."""
        self.loss += loss
        self.correct += correct
        self.count += count
        self.weight += weight

    @property
    def mean_loss(self) -> float:
        """By the weight of records; 0 without any."""
        return self.loss / self.weight if self.weight else 0.0

    @property
    def accuracy(self) -> float:
        """The share of records that is right; 0 without any."""
        return self.correct / self.count if self.count else 0.0

    def shares(self) -> dict[str, float]:
        """Parts of the time: waiting for input, computing, waiting for other workers."""
        whole = self.seconds or 1.0
        waiting, communicating = self.input_seconds / whole, self.communication_seconds / whole
        return {
            "input_share": waiting,
            "compute_share": max(0.0, 1.0 - waiting - communicating),
            "communication_share": communicating,
        }


@dataclass
class EarlyStopping:
    """Follows the validation loss.

    Attributes:
        patience: epochs without a lower loss after which training stops; 0 never stops it.
        best_weights: of the epoch with the lowest loss, kept only where `patience` is not 0.
    """

    patience: int
    best_loss: float = math.inf
    best_epoch: int = -1
    best_weights: list[np.ndarray] = field(default_factory=list)

    def watch(self, epoch: int, loss: float, weights: list[np.ndarray]) -> bool:
        """Takes an epoch's validation loss; says whether training should stop now."""
        if not self.patience:
            return False
        if loss < self.best_loss:
            self.best_loss, self.best_epoch, self.best_weights = loss, epoch, weights
        return epoch - self.best_epoch >= self.patience


@dataclass
class Progress:
    """Of the whole job, the same on every worker but for `totals.records` and its seconds.

    Attributes:
        step: steps of `epoch` that are done.
        rest: of its records.
        totals: of these steps.
        history: an entry for each epoch that is over, validation included.
        read: records that this worker read in each epoch that is over.
        ended: there is nothing more to train.
    """

    early_stopping: EarlyStopping
    epoch: int = 0
    step: int = 0
    rest: Rest = field(default_factory=Rest)
    totals: Totals = field(default_factory=Totals)
    history: list[dict[str, Any]] = field(default_factory=list)
    read: list[int] = field(default_factory=list)
    ended: bool = False

    def next_epoch(self, entry: dict[str, Any]) -> None:
        """Ends the epoch with its entry of `training.json`."""
        self.history.append(entry)
        self.read.append(self.totals.records)
        self.epoch, self.step, self.rest, self.totals = self.epoch + 1, 0, Rest(), Totals()
