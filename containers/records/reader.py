"""Reads the records of several files by their numbers, in any order."""

import os
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from crc32c import crc32c

from records.framing import FOOTER_BYTES, HEADER_BYTES, RecordError, masked

# A process may often open 1,024 files, and some channels have more.
_MOST_OPEN = 32


@dataclass(frozen=True)
class Records:
    """All records of some files, numbered over the files in their order.

    Attributes:
        files: uncompressed TFRecord files.
        starts: int64 [count], where a record's header begins in its file.
        lengths: int64 [count], bytes of its data.
        owners: int32 [count], which of the files holds it.
    """

    files: tuple[Path, ...]
    starts: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    owners: npt.NDArray[np.int32]

    @classmethod
    def of(cls, files: Sequence[Path], starts: Sequence[npt.NDArray[np.int64]]) -> Self:
        """The records of one file or more, by what `find_starts` gives of each."""
        lengths = [np.diff(places) - HEADER_BYTES - FOOTER_BYTES for places in starts]
        owners = np.repeat(np.arange(len(files), dtype=np.int32), [len(each) for each in lengths])
        return cls(
            tuple(files),
            np.concatenate([places[:-1] for places in starts]),
            np.concatenate(lengths),
            owners,
        )

    @property
    def count(self) -> int:
        """How many records there are."""
        return len(self.starts)


class Reader:
    """Reads records by their numbers.

    It keeps up to 32 files open, those it read last, until it is closed or nobody has it any more.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._open: OrderedDict[int, int] = OrderedDict()
        self._close = weakref.finalize(self, _close_all, self._open)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._close()

    def read(self, numbers: Sequence[int] | npt.NDArray[np.integer]) -> list[bytes]:
        """The data of the records `numbers`, each a serialised `tf.train.Example`.

        Raises:
            RecordError: a record's checksum is not that of its data.
        """
        return [self._read(int(number)) for number in numbers]

    def length(self, number: int) -> int:
        """Bytes of a record's data."""
        return int(self._records.lengths[number])

    def part(self, number: int, start: int, most: int) -> bytes:
        """At most `most` bytes of a record's data from `start` on; no checksum covers these."""
        first = int(self._records.starts[number]) + HEADER_BYTES + start
        size = max(0, min(most, self.length(number) - start))
        return os.pread(self._file(int(self._records.owners[number])), size, first)

    def _read(self, number: int) -> bytes:
        records = self._records
        owner, length = int(records.owners[number]), int(records.lengths[number])
        start = int(records.starts[number]) + HEADER_BYTES
        content = os.pread(self._file(owner), length + FOOTER_BYTES, start)
        data = content[:length]
        if content[length:] != masked(crc32c(data)):
            raise RecordError(
                f"The record at byte {start - HEADER_BYTES} of {records.files[owner]} is damaged: "
                "make the shards again."
            )
        return data

    def _file(self, owner: int) -> int:
        if owner not in self._open:
            if len(self._open) >= _MOST_OPEN:
                os.close(self._open.popitem(last=False)[1])
            self._open[owner] = os.open(self._records.files[owner], os.O_RDONLY)
        self._open.move_to_end(owner)
        return self._open[owner]


def _close_all(descriptors: OrderedDict[int, int]) -> None:
    while descriptors:
        os.close(descriptors.popitem()[1])
