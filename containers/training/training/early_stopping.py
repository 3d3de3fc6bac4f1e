"""When more epochs no longer help. Losses are sums over all workers, so all of them agree."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np


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
