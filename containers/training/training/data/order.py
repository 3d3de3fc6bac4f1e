"""The order of an epoch, and what is left of it when other workers go on.

An epoch has an order of all records, mixed by the seed and the epoch. Rank r of n workers takes the
places r, r + n, r + 2n, ... of it, so that after any number of steps what was read is the beginning
of the order, and any other number of workers can go on from there: each record is read by exactly
one worker an epoch. Where each host has files of its own, that is so of each host's order. Whoever
goes on otherwise, with other files or in blocks, reads what a bitmap says is left.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from training.data.places import Blocks, Held, Layout, Mixed, MixedBlocks, Numbers

# Looked up in one go.
_PLACES = 1 << 20


@dataclass(frozen=True)
class Deal:
    """How the records of a channel are dealt to workers.

    A stream is what workers take places of: one a group of workers, or with blocks one a worker.

    Attributes:
        key: what orders follow from; none keeps that of the files.
        blocks: none mixes all records with one another.
        read: a bit for each record of the channel that was read before.
    """

    layout: Layout
    key: tuple[int, ...] = ()
    blocks: Blocks | None = None
    read: npt.NDArray[np.uint8] | None = None

    @property
    def takers(self) -> list[int]:
        """How many workers take places of each stream."""
        return [1] * sum(self.layout.workers) if self.blocks else list(self.layout.workers)

    @property
    def mine(self) -> int:
        """The stream that this worker takes places of."""
        layout = self.layout
        return sum(layout.workers[: layout.group]) + layout.rank if self.blocks else layout.group

    def streams(self) -> Iterator[Mixed | MixedBlocks]:
        """All of them, in order."""
        for group, workers in enumerate(self.layout.workers):
            held = Held(self.layout, group, self.read)
            key = (*self.key, held.count) if self.key and self.read is not None else self.key
            if self.blocks is None:
                yield Mixed(held, key)
            else:
                for rank in range(workers):
                    yield MixedBlocks(held, key, self.blocks, rank, workers)

    def facts(self) -> dict[str, Any]:
        """What tells whether places are the same under another deal of the same epoch."""
        owners = self.layout.owners.tolist()
        if self.blocks is None:
            # Any number of workers takes the same places, and hosts without files change nothing.
            return {"owners": owners}
        workers = list(self.layout.workers)
        return {"owners": owners, "workers": workers, "blocks": [*vars(self.blocks).values()]}


@dataclass(frozen=True)
class Rest:
    """What is left of an epoch; the same on every worker.

    Attributes:
        facts: of the deal that `firsts` are of; none before the first step.
        firsts: places of each stream that are read.
        read: see `Deal`.
    """

    facts: dict[str, Any] | None = None
    firsts: tuple[int, ...] = ()
    read: npt.NDArray[np.uint8] | None = None

    def under(self, deal: Deal) -> Self:
        """The same for another deal of the same records."""
        if self.facts is None or self.facts == deal.facts():
            return self
        read = np.zeros(deal.layout.count, bool)
        if self.read is not None:
            read |= np.unpackbits(self.read, count=len(read)).astype(bool)
        for stream, first in zip(self._deal(deal).streams(), self.firsts, strict=False):
            for begin in range(0, first, _PLACES):
                read[stream.numbers(np.arange(begin, min(first, begin + _PLACES)))] = True
        return type(self)(read=np.packbits(read))

    def _deal(self, deal: Deal) -> Deal:
        facts = self.facts or {}
        layout = replace(
            deal.layout,
            owners=np.array(facts["owners"], np.int64),
            workers=tuple(facts.get("workers", [1] * len(self.firsts))),
        )
        blocks = Blocks(*facts["blocks"]) if "blocks" in facts else None
        return replace(deal, layout=layout, blocks=blocks, read=self.read)


class Order:
    """The rest of one epoch, and what this worker reads of it.

    Args:
        rest: what is left of the epoch; all of it by default.
    """

    def __init__(self, deal: Deal, batch_size: int, rest: Rest | None = None) -> None:
        self.batch_size = batch_size
        self._rest = (rest or Rest()).under(deal)
        self._deal = replace(deal, read=self._rest.read)
        self._facts = self._deal.facts()
        streams = list(self._deal.streams())
        self._stream = streams[self._deal.mine]
        firsts = *self._rest.firsts, *(0 for _ in streams)
        self._streams = [
            (stream.count, first, takers)
            for stream, first, takers in zip(streams, firsts, self._deal.takers, strict=False)
        ]
        self._taker = 0 if deal.blocks else deal.layout.rank

    @property
    def steps(self) -> int:
        """Steps that are left, the same on every worker."""
        size = self.batch_size
        return max(
            math.ceil((count - first) / (takers * size)) for count, first, takers in self._streams
        )

    def rest(self, steps: int) -> Rest:
        """What is left after so many steps."""
        firsts = tuple(
            min(count, first + steps * takers * self.batch_size)
            for count, first, takers in self._streams
        )
        return Rest(self._facts, firsts, self._rest.read)

    def share_read(self, steps: int) -> float:
        """The share of the channel's records that is read after so many steps."""
        left = sum(count for count, _, _ in self._streams) - sum(self.rest(steps).firsts)
        return 1.0 - left / self._deal.layout.count

    def numbers(self, step: int, steps: int) -> Numbers:
        """The records of this worker in `steps` steps from `step` on, int64 [steps x batch size].

        Less at the end of the epoch.
        """
        count, first, takers = self._streams[self._deal.mine]
        begin = first + step * takers * self.batch_size + self._taker
        places = begin + takers * np.arange(steps * self.batch_size, dtype=np.int64)
        return self._stream.numbers(places[places < count])

    def windows(self) -> Iterator[Numbers]:
        """The records of each window from the first place that is left on; of blocks alone."""
        if not isinstance(self._stream, MixedBlocks):
            raise TypeError("Records that are not dealt in blocks have no windows.")
        count, first, _ = self._streams[self._deal.mine]
        size = self._stream.window
        for begin in range(first - first % size, count, size):
            yield self._stream.numbers(np.arange(begin, min(count, begin + size), dtype=np.int64))

    def fillers(self, count: int) -> Numbers:
        """Up to so many records to fill a batch up with, int64 [count]; none without any."""
        every = self._stream.count
        places = self._taker + np.arange(count if every else 0, dtype=np.int64)
        return self._stream.numbers(places % max(1, every))
