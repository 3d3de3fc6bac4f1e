"""What stands at a place of an epoch's order: computed from the place, without a table."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from records.spread import spread

Numbers = npt.NDArray[np.int64]

_ROUNDS = 8


class Permutation:
    """A permutation of 0 ... count - 1 that follows from `key` and keeps no table.

    A Feistel network over a grid of at least `count` cells, walked until a cell below `count` is
    met: methods 2 and 3 of Black and Rogaway, *Ciphers with Arbitrary Finite Domains*,
    https://doi.org/10.1007/3-540-45760-7_9.
    """

    def __init__(self, count: int, *key: int) -> None:
        self._count = count
        self._rows = max(1, math.isqrt(max(0, count - 1)) + 1)
        self._columns = max(1, -(-count // self._rows))
        self._keys = np.random.SeedSequence(key).generate_state(_ROUNDS, np.uint64)

    def __call__(self, places: Numbers) -> Numbers:
        """What stands at each of `places`.

        Raises:
            ValueError: one is not below `count`; its walk would not end.
        """
        if places.size and places.max() >= self._count:
            raise ValueError(f"There are {self._count} places, and {places.max()} was asked for.")
        found = self._once(places)
        while (outside := found >= self._count).any():
            found[outside] = self._once(found[outside])
        return found

    def _once(self, cells: Numbers) -> Numbers:
        left, right = np.divmod(cells.astype(np.uint64), np.uint64(self._columns))
        here, other = np.uint64(self._rows), np.uint64(self._columns)
        for key in self._keys:
            left, right = right, (left + spread(right ^ key) % here) % here
            here, other = other, here
        return (left * other + right).astype(np.int64)


@dataclass(frozen=True)
class Layout:
    """Which workers read which files of a channel.

    All workers share all files (`FullyReplicated`), or the workers of each host those that it was
    given (`ShardedByS3Key`).

    Attributes:
        counts: int64 [files], the records of each.
        owners: int64 [files], which group of workers has it.
        workers: how many each group has.
        group: that of this worker.
        rank: of this worker within its group.
    """

    counts: Numbers
    owners: Numbers
    workers: tuple[int, ...]
    group: int
    rank: int

    @classmethod
    def replicated(cls, counts: Sequence[int] | Numbers, rank: int, size: int) -> Self:
        """Rank `rank` of `size` workers, which all have all files."""
        counted = np.asarray(counts, np.int64)
        return cls(counted, np.zeros(len(counted), np.int64), (size,), 0, rank)

    @property
    def count(self) -> int:
        """Records of the channel."""
        return int(self.counts.sum())

    @cached_property
    def bases(self) -> Numbers:
        """The number of each file's first record, and at last that of all: int64 [files + 1]."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.counts)])


class Held:
    """The records of one group's files in the order of the files, less those that `read` has.

    Args:
        read: a bit for each record of the channel.
    """

    def __init__(
        self, layout: Layout, group: int, read: npt.NDArray[np.uint8] | None = None
    ) -> None:
        files = np.flatnonzero(layout.owners == group)
        self._ends = np.cumsum(layout.counts[files])
        # From a record's place among the group's files to its number in the channel.
        self._shifts = layout.bases[files] - (self._ends - layout.counts[files])
        self._left = None if read is None else self._unread(np.unpackbits(read, count=layout.count))
        last = int(self._ends[-1]) if len(files) else 0
        self.count = last if self._left is None else len(self._left)

    def numbers(self, places: Numbers) -> Numbers:
        """The records at `places`."""
        if self._left is not None:
            return self._left[places]
        return places + self._shifts[np.searchsorted(self._ends, places, "right")]

    def _unread(self, bits: npt.NDArray[np.uint8]) -> Numbers:
        ends = self._ends + self._shifts
        begins = np.concatenate([np.zeros(1, np.int64), self._ends])[: len(ends)] + self._shifts
        spans = zip(begins, ends, strict=True)
        parts = [begin + np.flatnonzero(bits[begin:end] == 0) for begin, end in spans]
        return np.concatenate([np.zeros(0, np.int64), *parts])


@dataclass(frozen=True)
class Blocks:
    """How records are mixed that are read block by block, as storage far away asks for.

    Attributes:
        records: how many follow one another in a block.
        window: how many blocks a worker holds at a time, whose records it mixes.
    """

    records: int
    window: int


class Mixed:
    """All records that a group holds, mixed with one another; rank r takes every n-th from r on."""

    def __init__(self, held: Held, key: Sequence[int]) -> None:
        self._held = held
        self.count = held.count
        self._permuted = Permutation(held.count, *key) if key and held.count else None

    def numbers(self, places: Numbers) -> Numbers:
        """The records at `places`."""
        return self._held.numbers(places if self._permuted is None else self._permuted(places))


class MixedBlocks:
    """Every n-th block of a group from the r-th on, in an order of blocks; records are mixed within
    each window.

    Args:
        rank: r.
        workers: n.

    Attributes:
        window: records of a whole window.
    """

    def __init__(
        self, held: Held, key: Sequence[int], blocks: Blocks, rank: int, workers: int
    ) -> None:
        self._held, self._key, self._size = held, (*key, rank) if key else (), blocks.records
        self._rank, self._workers = rank, workers
        self.window = blocks.window * blocks.records
        # The last block, which may be short, stands last.
        self._whole, short = divmod(held.count, blocks.records)
        self._blocks = Permutation(self._whole, *key) if key and self._whole else None
        self.count = len(range(rank, self._whole, workers)) * blocks.records
        if self._whole % workers == rank:
            self.count += short

    def numbers(self, places: Numbers) -> Numbers:
        """The records at `places`."""
        within = self._mixed(places)
        block = self._rank + self._workers * (within // self._size)
        if self._blocks is not None:
            whole = block < self._whole
            block[whole] = self._blocks(block[whole])
        return self._held.numbers(block * self._size + within % self._size)

    def _mixed(self, places: Numbers) -> Numbers:
        if not self._key:
            return places
        found = places.copy()
        windows = places // self.window
        for window in np.unique(windows):
            here, begin = windows == window, int(window) * self.window
            size = min(self.window, self.count - begin)
            found[here] = begin + Permutation(size, *self._key, int(window))(places[here] - begin)
        return found
