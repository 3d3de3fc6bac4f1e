"""`membership.parquet`: the channel of every content ever assigned, sorted by digest.

So a content that was removed and comes back has its old channel, whatever its name. The files are
larger than memory: they are read and written a row group at a time, in step with the partitions of
the run's own contents.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from processing.common.container import CHANNELS
from processing.manifests.split import DIGEST, Codes, Digests, first_words
from processing.manifests.staging import TableWriter

ROW_GROUP_ROWS = 16_384
CHANNEL_TYPE = pa.dictionary(pa.int8(), pa.string())
MEMBERSHIP_SCHEMA = pa.schema(
    [
        ("sha256", pa.binary(32)),
        ("channel", CHANNEL_TYPE),
        ("present", pa.bool_()),
        ("rows", pa.list_(pa.field("item", pa.uint32(), nullable=False))),
    ]
)
REMEMBERED = ["sha256", "channel", "present"]


@dataclass(frozen=True)
class Members:
    """Contents sorted by digest, their channels, and whether the run's dataset held them."""

    digests: Digests
    channels: Codes
    present: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.digests)

    def part(self, start: int, end: int) -> "Members":
        """Those from index `start` to before `end`."""
        return Members(self.digests[start:end], self.channels[start:end], self.present[start:end])

    @staticmethod
    def join(parts: "Sequence[Members]") -> "Members":
        """One after the other."""
        return Members(
            np.concatenate([np.empty(0, DIGEST), *(part.digests for part in parts)]),
            np.concatenate([np.empty(0, np.uint8), *(part.channels for part in parts)]),
            np.concatenate([np.empty(0, np.bool_), *(part.present for part in parts)]),
        )


class MembershipReader:
    """Reads a membership once, from its lowest digest to its highest."""

    def __init__(self, path: Path) -> None:
        self._groups = _row_groups(path)
        self._ahead = Members.join([])

    def below(self, bound: int) -> Members:
        """What has not been read yet of the digests whose first 8 bytes are below `bound`."""
        parts = []
        while True:
            cut = _count_below(self._ahead, bound)
            parts.append(self._ahead.part(0, cut))
            self._ahead = self._ahead.part(cut, len(self._ahead))
            if len(self._ahead):
                return Members.join(parts)
            following = next(self._groups, None)
            if following is None:
                return Members.join(parts)
            self._ahead = following


def count_members(path: Path) -> int:
    """How many contents a membership remembers."""
    rows: int = pq.read_metadata(path).num_rows
    return rows


class MembershipWriter:
    """Writes a membership; the same contents give the same bytes."""

    def __init__(self, path: Path) -> None:
        # Digests do not compress.
        self._writer = TableWriter(
            path, MEMBERSHIP_SCHEMA, compression="none", use_dictionary=["channel"]
        )
        self._waiting = Members.join([])
        self._counts = np.empty(0, np.int64)
        self._rows = np.empty(0, np.uint32)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._writer:
            if kind is None and len(self._waiting):
                self._write(len(self._waiting))

    def append(
        self, members: Members, counts: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
    ) -> None:
        """Adds contents above all that were added before: how many rows of `objects.parquet` each
        has, and these, those of the first content first.
        """
        self._waiting = Members.join([self._waiting, members])
        self._counts = np.concatenate([self._counts, counts])
        self._rows = np.concatenate([self._rows, rows.astype(np.uint32)])
        while len(self._waiting) >= ROW_GROUP_ROWS:
            self._write(ROW_GROUP_ROWS)

    def _write(self, count: int) -> None:
        members = self._waiting.part(0, count)
        self._waiting = self._waiting.part(count, len(self._waiting))
        ends = np.concatenate([[0], np.cumsum(self._counts[:count])]).astype(np.int32)
        rows, self._rows = self._rows[: ends[-1]], self._rows[ends[-1] :]
        self._counts = self._counts[count:]
        columns = [
            fixed_size_binary(members.digests),
            pa.DictionaryArray.from_arrays(members.channels.astype(np.int8), list(CHANNELS)),
            pa.array(members.present),
            pa.ListArray.from_arrays(ends, rows, type=MEMBERSHIP_SCHEMA.field("rows").type),
        ]
        self._writer.write(pa.table(columns, schema=MEMBERSHIP_SCHEMA))


def fixed_size_binary(digests: Digests) -> pa.FixedSizeBinaryArray:
    """Digests as an Arrow array over the same memory."""
    buffer = pa.py_buffer(np.ascontiguousarray(digests))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(32), len(digests), [None, buffer])


def digests_of(array: pa.FixedSizeBinaryArray) -> Digests:
    """An Arrow array of 32 bytes as digests over the same memory."""
    return np.frombuffer(array.buffers()[1], DIGEST, len(array), array.offset * DIGEST.itemsize)


def _count_below(members: Members, bound: int) -> int:
    if bound >= 2**64:
        return len(members)
    return int(np.searchsorted(first_words(members.digests), np.uint64(bound)))


def _row_groups(path: Path) -> Iterator[Members]:
    with pq.ParquetFile(path, pre_buffer=False) as file:
        for group in range(file.num_row_groups):
            yield _members(
                file.read_row_group(group, REMEMBERED, use_threads=False).combine_chunks()
            )


def _members(table: pa.Table) -> Members:
    digests, channels, present = (column.combine_chunks() for column in table.columns)
    codes = np.array([CHANNELS.index(name) for name in channels.dictionary.to_pylist()], np.uint8)
    return Members(
        digests_of(digests),
        codes[channels.indices.to_numpy()],
        present.to_numpy(zero_copy_only=False),
    )
