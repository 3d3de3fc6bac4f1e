"""What is counted of a dataset while its tables are written."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from processing.channels import CHANNELS
from processing.manifests.contents import Integers
from processing.manifests.split import Codes

LARGEST = np.iinfo(np.int64).max


@dataclass
class Tally:
    """Objects and sizes by class; keys of the rows that somebody asked for.

    counts: objects, [classes, channels]. sizes in bytes, by class; those of a class without
    objects mean nothing.
    """

    classes: int
    wanted_rows: Iterable[int]
    keys: dict[int, str] = field(default_factory=dict)
    rows: int = 0

    def __post_init__(self) -> None:
        self.counts = np.zeros((self.classes, len(CHANNELS)), np.int64)
        self.bytes = np.zeros(self.classes, np.int64)
        self.smallest = np.full(self.classes, LARGEST)
        self.largest = np.zeros(self.classes, np.int64)
        self._wanted: Integers = np.array(sorted(self.wanted_rows), np.int64)

    def add(self, batch: pa.RecordBatch, channels: Codes) -> None:
        """Counts staged rows that follow those before, with their channels."""
        classes, sizes = batch["class"].to_numpy(), batch["size"].to_numpy()
        self.counts += np.bincount(
            classes * len(CHANNELS) + channels, minlength=self.counts.size
        ).reshape(self.counts.shape)
        # Sorted by key, the rows of a drop's class follow one another.
        starts = np.flatnonzero(np.diff(classes, prepend=-1))
        of_class = classes[starts]
        np.add.at(self.bytes, of_class, np.add.reduceat(sizes, starts))
        np.minimum.at(self.smallest, of_class, np.minimum.reduceat(sizes, starts))
        np.maximum.at(self.largest, of_class, np.maximum.reduceat(sizes, starts))
        for row in self._wanted[np.searchsorted(self._wanted, self.rows) :].tolist():
            if row >= self.rows + len(batch):
                break
            self.keys[row] = batch["key"][row - self.rows].as_py()
        self.rows += len(batch)
