"""The files of a channel on this host, by `objects.parquet`, in the order of their records.

There may be more of them than memory holds: they are put into that order through files on disk.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from processing.common.container import Channel, UserError, quoted

ROWS_PER_BUCKET = 16_384
# Files open at a time.
MAXIMUM_BUCKETS = 256
WAITING_ROWS = 256


class Buckets:
    """About so many rows of `schema`, which begins with `place`: 32 evenly spread bytes to sort by.

    Bucket follows bucket in the order of places, so one at a time is sorted in memory.
    """

    def __init__(self, folder: Path, schema: pa.Schema, rows: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._schema = schema
        count = min(max(rows // ROWS_PER_BUCKET, 1), MAXIMUM_BUCKETS)
        self._paths = [folder / f"{index:03d}.arrow" for index in range(count)]
        self._writers = [pa.ipc.new_file(str(path), schema) for path in self._paths]
        self._waiting: list[list[tuple[Any, ...]]] = [[] for _ in self._paths]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for index, writer in enumerate(self._writers):
            if kind is None:
                self._write(index)
            writer.close()

    def append(self, row: tuple[Any, ...]) -> None:
        """Adds a row.

        Raises:
            OSError: the disk is full.
        """
        index = int.from_bytes(row[0][:2]) * len(self._paths) >> 16
        self._waiting[index].append(row)
        if len(self._waiting[index]) == WAITING_ROWS:
            self._write(index)

    def _write(self, index: int) -> None:
        columns = list(zip(*self._waiting[index], strict=True)) or [()] * len(self._schema)
        self._writers[index].write_batch(pa.record_batch(columns, schema=self._schema))
        self._waiting[index].clear()

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """All rows in the order of their places, without these; the files go as they are read."""
        for path in self._paths:
            with pa.OSFile(str(path)) as file:
                table = pa.ipc.open_file(file).read_all().sort_by("place")
            path.unlink()
            for batch in table.to_batches(max_chunksize=WAITING_ROWS):
                yield from zip(*(column.to_pylist() for column in batch.columns[1:]), strict=True)


COLUMNS = ["key", "size", "sha256", "class_label", "encoded_label", "channel"]
BATCH_ROWS = 8_192
ROWS_SCHEMA = pa.schema(
    [
        ("place", pa.binary()),
        ("entry", pa.string()),
        ("size", pa.int64()),
        ("sha256", pa.binary()),
        ("label", pa.int64()),
    ]
)
# A key is <folder of the drops>/<drop id>/<class label>/<file>.
ENTRY_PARTS = 3


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of this host: its manifest entry, size in bytes, SHA-256 and encoded label."""

    entry: str
    size: int
    sha256: bytes
    label: int


class SourceFiles:
    """The files of one channel that SageMaker has brought to this host.

    The order of their records follows from the seed and each entry alone, so that classes and drops
    are mixed and the same files give the same shard. It is made on disk, below `working`.

    Raises:
        UserError: a file is there that the table does not list for this channel, or a label of the
            table is not that of `labels`.
    """

    def __init__(
        self, table: Path, folder: Path, channel: Channel, labels: dict[str, int], working: Path
    ) -> None:
        self._table = table
        self._folder = folder
        self._channel = channel
        self._labels = labels
        self._working = working
        self.count = 0

    def in_order(self, seed: int) -> Iterator[SourceFile]:
        """Each file once; `count` is known when the first comes."""
        with pq.ParquetFile(self._table, pre_buffer=False) as table:
            buckets = Buckets(self._working, ROWS_SCHEMA, table.metadata.num_rows)
            with buckets:
                for batch in table.iter_batches(BATCH_ROWS, columns=COLUMNS, use_threads=False):
                    self._collect(batch, seed, buckets)
        self._refuse_unlisted()
        yield from (SourceFile(*row) for row in buckets.rows())

    def _collect(self, batch: pa.RecordBatch, seed: int, buckets: Buckets) -> None:
        wanted = batch.filter(pc.equal(batch["channel"], self._channel))
        self._check_labels(wanted)
        columns = wanted.select(["key", "size", "sha256", "encoded_label"])
        for key, *facts in zip(*(column.to_pylist() for column in columns), strict=True):
            entry = "/".join(key.split("/")[-ENTRY_PARTS:])
            if os.path.exists(f"{self._folder}/{entry}"):  # noqa: PTH110 - a million times
                place = hashlib.sha256(f"{seed}:{entry}".encode()).digest()
                buckets.append((place, entry, *facts))
                self.count += 1

    def _check_labels(self, batch: pa.RecordBatch) -> None:
        pairs = zip(
            pc.cast(batch["class_label"], pa.string()).to_pylist(),
            batch["encoded_label"].to_pylist(),
            strict=True,
        )
        for label, encoded in sorted(set(pairs)):
            if self._labels.get(label) != encoded:
                raise UserError(
                    f'Class "{label}" has the encoded label {encoded} in the lineage and '
                    f"{self._labels.get(label, 'none')} in labels.json: give the job the "
                    "labels.json of the same execution."
                )

    def _refuse_unlisted(self) -> None:
        found = sum(1 for _ in entries(self._folder))
        if found == self.count:
            return
        channels: dict[str, str] = {}
        with pq.ParquetFile(self._table, pre_buffer=False) as table:
            for batch in table.iter_batches(BATCH_ROWS, columns=["key", "channel"]):
                rows = zip(batch["key"].to_pylist(), batch["channel"].to_pylist(), strict=True)
                for key, channel in rows:
                    channels["/".join(key.split("/")[-ENTRY_PARTS:])] = channel
        wrong = sorted(e for e in entries(self._folder) if channels.get(e) != self._channel)
        if wrong:
            elsewhere = channels.get(wrong[0])
            listed = f"listed for channel {elsewhere}" if elsewhere else "not listed"
            raise UserError(
                f"{quoted(wrong[0])} is in channel {self._channel} and {listed} in objects.parquet "
                f"({len(wrong)} such files in all): give the job the lineage and the manifests of "
                "the same execution."
            )


def entries(folder: Path) -> Iterator[str]:
    """`<drop id>/<class label>/<file>` of every file that deep below `folder`, in any order."""
    for path, _, files in os.walk(folder):
        parent = Path(path).relative_to(folder).as_posix()
        if parent.count("/") == ENTRY_PARTS - 2:
            yield from (f"{parent}/{name}" for name in files)
