"""The index of a TFRecord file: where each record lies and what its label is.

So nobody has to scan records to find them, nor read an image to know its class. An index is a file
of NumPy's own format, which `np.load` reads: a header of 128 bytes, then 16 bytes a record, so that
its size alone tells how many there are.
https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import struct
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from records.framing import FOOTER_BYTES, HEADER_BYTES, RecordError

SUFFIX = ".npy"
# Where the record's frame begins in its file, bytes of its data without the frame, encoded label.
ENTRY = np.dtype([("start", "<u8"), ("length", "<u4"), ("label", "<u4")])
INDEX_HEADER_BYTES = 128
_ENTRY = struct.Struct("<QII")
# Magic string, version 1.0, and the length of what follows. NumPy's own writer leaves room for an
# array to grow, and how much is up to its version.
_PREAMBLE = b"\x93NUMPY\x01\x00" + (INDEX_HEADER_BYTES - 10).to_bytes(2, "little")

Entries = npt.NDArray[np.void]


class IndexWriter:
    """Writes an index while its file is written; the same entries give the same bytes.

    Until it is closed without an error it is no index that can be opened.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._file.write(bytes(INDEX_HEADER_BYTES))
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._file:
            if kind is None:
                self._file.seek(0)
                self._file.write(_header(self.count))

    def append(self, start: int, length: int, label: int) -> None:
        """Adds a record: where its frame begins, bytes of its data, its encoded label."""
        self._file.write(_ENTRY.pack(start, length, label))
        self.count += 1

    def extend(self, entries: Entries) -> None:
        """Adds many at once, [records] of ENTRY."""
        self._file.write(np.ascontiguousarray(entries, ENTRY).data.cast("B"))
        self.count += len(entries)


def count_entries(path: Path) -> int:
    """How many records an index lists, by its size alone.

    Raises:
        RecordError: no index has such a size.
    """
    count, rest = divmod(path.stat().st_size - INDEX_HEADER_BYTES, ENTRY.itemsize)
    if count < 0 or rest:
        raise _none(path)
    return count


def open_index(path: Path) -> Entries:
    """The entries, [records] of ENTRY, read from disk as they are looked at.

    Raises:
        RecordError: it is no whole index.
    """
    count = count_entries(path)
    with path.open("rb") as file:
        if file.read(INDEX_HEADER_BYTES) != _header(count):
            raise _none(path)
    if not count:
        return np.empty(0, ENTRY)
    return np.memmap(path, ENTRY, "r", INDEX_HEADER_BYTES, (count,))


def file_bytes(entries: Entries) -> int:
    """The size of the file that these entries are the index of: where its last record ends."""
    if not len(entries):
        return 0
    return int(entries["start"][-1]) + HEADER_BYTES + int(entries["length"][-1]) + FOOTER_BYTES


def _header(count: int) -> bytes:
    facts = f"{{'descr': {ENTRY.descr!r}, 'fortran_order': False, 'shape': ({count},), }}"
    return _PREAMBLE + facts.encode().ljust(INDEX_HEADER_BYTES - len(_PREAMBLE) - 1) + b"\n"


def _none(path: Path) -> RecordError:
    return RecordError(f"{path} is no index of a TFRecord file, or not all of it: make it again.")
