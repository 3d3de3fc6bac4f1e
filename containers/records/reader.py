"""Reads the records of several files by their numbers, in any order."""

import os
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from crc32c import crc32c

from records.framing import FOOTER_BYTES, HEADER_BYTES, RecordError, masked
from records.index import Entries, count_entries, file_bytes, open_index

# Twice as many with their indexes; a process may often open 1,024, and some channels have more.
_MOST_OPEN = 128

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Records:
    """All records of a channel, numbered over its files in their order.

    Attributes:
        files: uncompressed TFRecord files, of which another host may have some.
        indexes: the index of each.
        counts: int64 [files], the records of each.
    """

    files: tuple[Path, ...]
    indexes: tuple[Path, ...]
    counts: Numbers

    @classmethod
    def of(cls, files: Sequence[Path], indexes: Sequence[Path]) -> Self:
        """The records of one file or more, as their indexes have them.

        Raises:
            RecordError: an index is none.
        """
        counts = np.array([count_entries(index) for index in indexes], np.int64)
        return cls(tuple(files), tuple(indexes), counts)

    @cached_property
    def bases(self) -> Numbers:
        """The number of each file's first record, and at last that of all: int64 [files + 1]."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.counts)])

    @property
    def count(self) -> int:
        """How many records there are."""
        return int(self.bases[-1])


class _File(NamedTuple):
    descriptor: int
    entries: Entries
    base: int


class Reader:
    """Reads records by their numbers.

    It keeps up to 128 files open, those it read last, until it is closed or nobody has it any more.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._open: OrderedDict[int, _File] = OrderedDict()
        self._close = weakref.finalize(self, _close_all, self._open)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._close()

    def read(self, numbers: Sequence[int] | Numbers) -> list[bytes]:
        """The data of the records `numbers`, each a serialised `tf.train.Example`.

        Raises:
            RecordError: a record's checksum is not that of its data, or its file or the index of
                that is not whole.
        """
        owners = np.searchsorted(self._records.bases, numbers, "right") - 1
        pairs = zip(numbers, owners.tolist(), strict=True)
        return [self._read(int(number), owner) for number, owner in pairs]

    def read_run(self, first: int, count: int) -> list[bytes]:
        """The data of `count` records of one file from the number `first` on, in one go.

        Raises:
            RecordError: see `read`.
        """
        owner = int(np.searchsorted(self._records.bases, first, "right")) - 1
        file = self._file(owner)
        entries = file.entries[first - file.base : first - file.base + count]
        begin = int(entries["start"][0])
        content = os.pread(file.descriptor, file_bytes(entries) - begin, begin)
        starts = (entries["start"].astype(np.int64) - begin + HEADER_BYTES).tolist()
        ends = [s + n for s, n in zip(starts, entries["length"].tolist(), strict=True)]
        return [
            self._checked(content[start : end + FOOTER_BYTES], owner, begin + start)
            for start, end in zip(starts, ends, strict=True)
        ]

    def _read(self, number: int, owner: int) -> bytes:
        file = self._file(owner)
        entry = file.entries[number - file.base]
        start = int(entry["start"]) + HEADER_BYTES
        length = int(entry["length"]) + FOOTER_BYTES
        return self._checked(os.pread(file.descriptor, length, start), owner, start)

    def _checked(self, content: bytes, owner: int, start: int) -> bytes:
        data = content[:-FOOTER_BYTES]
        if content[-FOOTER_BYTES:] != masked(crc32c(data)):
            raise RecordError(
                f"The record at byte {start - HEADER_BYTES} of {self._records.files[owner]} is "
                "damaged: make the shards again."
            )
        return data

    def _file(self, owner: int) -> _File:
        if owner not in self._open:
            if len(self._open) >= _MOST_OPEN:
                os.close(self._open.popitem(last=False)[1].descriptor)
            self._open[owner] = _opened(self._records, owner)
        self._open.move_to_end(owner)
        return self._open[owner]


def _opened(records: Records, owner: int) -> _File:
    path, entries = records.files[owner], open_index(records.indexes[owner])
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if (size := os.fstat(descriptor).st_size) != (told := file_bytes(entries)):
            raise RecordError(
                f"{path} has {size} bytes and its index tells of {told}: it breaks off or is of "
                "another run, so make the shards again."
            )
    except BaseException:
        os.close(descriptor)
        raise
    return _File(descriptor, entries, int(records.bases[owner]))


def _close_all(files: OrderedDict[int, _File]) -> None:
    while files:
        os.close(files.popitem()[1].descriptor)
