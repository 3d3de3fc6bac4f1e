"""Which records a worker reads: whole batches, so that results are the same bits.

A kernel may round a record otherwise in another place of a batch. A batch here has the same records
in the same places on any number of workers; a worker without any has nothing to wait for, as
evaluation reduces nothing on its way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from training.data import Share

BATCH_SIZE = 64


@dataclass(frozen=True)
class WholeBatches(Share):
    """Rank r of n takes the batches r, r + n, r + 2n, ... of the channel."""

    @property
    def mine(self) -> int:
        return len(self.numbers(None))

    def steps(self, batch_size: int) -> int:
        return math.ceil(self.mine / batch_size)

    def numbers(self, seed: int | None, epoch: int = 0) -> np.ndarray:
        """The worker's records in the order of the files, int64 [mine]; nothing is mixed."""
        every = np.arange(self.records.count)
        mine: np.ndarray = every[every // BATCH_SIZE % self.size == self.rank]
        return mine
