"""Puts objects into an order that follows a hash: any part of it is a fair sample of the classes.

There may be more of them than memory holds, so they go through files on disk.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from records.spread import spread

Places = npt.NDArray[np.uint64]

ROWS_PER_BUCKET = 16_384
# Files open at a time.
MAXIMUM_BUCKETS = 256
WAITING_ROWS = 1_024
PLACE = pa.field("place", pa.uint64())


def shift_of(seed: int) -> np.uint64:
    """A number to add, so that another seed spreads otherwise."""
    return np.uint64(int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:8], "big"))


def places_of(seed: int, digests: pa.FixedSizeBinaryArray, first_row: int) -> Places:
    """The place of each object in the order.

    Its row counts beside its content: copies of one content, which are of one class, would stand
    side by side otherwise.

    Args:
        digests: 32 bytes each.
        first_row: the row of the first object in the table of all, which is sorted by key.
    """
    count, first = len(digests), 4 * digests.offset
    words = np.frombuffer(digests.buffers()[1], ">u8", first + 4 * count)[first::4]
    rows = np.arange(first_row, first_row + count, dtype=np.uint64)
    return spread(words.astype(np.uint64) ^ spread(rows + shift_of(seed)))


class Buckets:
    """About so many rows of `schema`, to be read in the order of their places.

    Bucket follows bucket in that order, so one at a time is sorted in memory.
    """

    def __init__(self, folder: Path, schema: pa.Schema, rows: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._schema = schema.insert(0, PLACE)
        count = min(max(rows // ROWS_PER_BUCKET, 1), MAXIMUM_BUCKETS)
        self._paths = [folder / f"{index:03d}.arrow" for index in range(count)]
        self._writers = [pa.ipc.new_file(str(path), self._schema) for path in self._paths]
        self._waiting: list[list[pa.RecordBatch]] = [[] for _ in self._paths]
        self._rows = [0] * count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for index, writer in enumerate(self._writers):
            if kind is None:
                self._write(index)
            writer.close()

    def append(self, places: Places, rows: pa.RecordBatch) -> None:
        """Adds rows, each with its place; where two have one, the first that was added is first.

        Raises:
            OSError: the disk is full.
        """
        columns = [pa.array(places), *rows.columns]
        whole = pa.RecordBatch.from_arrays(columns, schema=self._schema)
        index = (places >> np.uint64(48)) * np.uint64(len(self._paths)) >> np.uint64(16)
        # A stable sort of 16-bit numbers is a radix sort, linear in time.
        index = index.astype(np.uint16)
        ordered = whole.take(pa.array(np.argsort(index, kind="stable")))
        start = 0
        for bucket, count in enumerate(np.bincount(index).tolist()):
            if count:
                self._waiting[bucket].append(ordered.slice(start, count))
                self._rows[bucket] += count
                start += count
            if self._rows[bucket] >= WAITING_ROWS:
                self._write(bucket)

    def _write(self, index: int) -> None:
        # One batch, as each has a head of its own.
        waiting = pa.Table.from_batches(self._waiting[index], self._schema)
        self._writers[index].write_table(waiting.combine_chunks())
        self._waiting[index], self._rows[index] = [], 0

    def tables(self) -> Iterator[pa.Table]:
        """All rows in the order of their places, without these; the files go as they are read."""
        for path in self._paths:
            with pa.OSFile(str(path)) as file:
                table = pa.ipc.open_file(file).read_all()
            path.unlink()
            order = np.argsort(table[PLACE.name].to_numpy(), kind="stable")
            yield table.drop_columns([PLACE.name]).take(pa.array(order))
