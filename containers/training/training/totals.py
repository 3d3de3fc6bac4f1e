"""What an epoch adds up to, and where its time goes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


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
        self.loss += loss
        self.correct += correct
        self.count += count
        self.weight += weight

    @property
    def mean_loss(self) -> float:
        return self.loss / self.weight if self.weight else 0.0

    @property
    def accuracy(self) -> float:
        return self.correct / self.count if self.count else 0.0

    def shares(self) -> dict[str, float]:
        """Parts of the time: waiting for input, computing, waiting for other workers."""
        whole = self.seconds or 1.0
        waited, told = self.input_seconds / whole, self.communication_seconds / whole
        return {
            "input_share": waited,
            "compute_share": max(0.0, 1.0 - waited - told),
            "communication_share": told,
        }

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
