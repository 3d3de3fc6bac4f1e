"""The files of a channel on this host, by `objects.parquet`, in the order of their records."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from processing.common.buckets import Buckets, Places, places_of
from processing.common.container import Channel, UserError, quoted

COLUMNS = ["key", "size", "sha256", "class_label", "encoded_label", "channel"]
BATCH_ROWS = 8_192
ROWS_AT_A_TIME = 256
ROWS_SCHEMA = pa.schema(
    [
        ("entry", pa.string()),
        ("size", pa.int64()),
        ("sha256", pa.binary(32)),
        ("label", pa.int32()),
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

    The order of their records follows from the seed, each one's content and its row in the table
    alone, so that classes and drops are mixed and the same files give the same shards. It is made
    on disk, below `working`.

    Attributes:
        count: how many there are.
        here: int64 [classes], how many of them are of each class.
        everywhere: int64 [classes], the same of all hosts together.

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
        self.here: npt.NDArray[np.int64] = np.zeros(len(labels), np.int64)
        self.everywhere: npt.NDArray[np.int64] = np.zeros(len(labels), np.int64)

    def in_order(self, seed: int) -> Iterator[SourceFile]:
        """Each file once; what is counted is known when the first comes."""
        with pq.ParquetFile(self._table, pre_buffer=False) as table:
            buckets = Buckets(self._working, ROWS_SCHEMA, table.metadata.num_rows)
            row = 0
            with buckets:
                for batch in table.iter_batches(BATCH_ROWS, columns=COLUMNS, use_threads=False):
                    places = places_of(seed, batch["sha256"], row)
                    self._collect(batch, places, buckets)
                    row += len(batch)
        self._refuse_unlisted()
        for ordered in buckets.tables():
            for rows in ordered.to_batches(max_chunksize=ROWS_AT_A_TIME):
                yield from map(SourceFile, *(column.to_pylist() for column in rows.columns))

    def _collect(self, batch: pa.RecordBatch, places: Places, buckets: Buckets) -> None:
        is_wanted = pc.equal(batch["channel"], self._channel)
        wanted, places = batch.filter(is_wanted), places[is_wanted.to_numpy(zero_copy_only=False)]
        self._check_labels(wanted)
        listed = [entry_of(key) for key in wanted["key"].to_pylist()]
        place = f"{self._folder}/"
        received = [os.path.exists(place + entry) for entry in listed]  # noqa: PTH110 - a million
        is_here = np.array(received, np.bool_)
        facts = [pa.array(listed, pa.string()), *wanted.select(["size", "sha256", "encoded_label"])]
        rows = pa.RecordBatch.from_arrays(facts, schema=ROWS_SCHEMA).filter(pa.array(is_here))
        buckets.append(places[is_here], rows)
        self.count += len(rows)
        self.here += _count(rows["label"], len(self.here))
        self.everywhere += _count(wanted["encoded_label"], len(self.here))

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
                    channels[entry_of(key)] = channel
        wrong = sorted(e for e in entries(self._folder) if channels.get(e) != self._channel)
        if wrong:
            elsewhere = channels.get(wrong[0])
            listed = f"listed for channel {elsewhere}" if elsewhere else "not listed"
            raise UserError(
                f"{quoted(wrong[0])} is in channel {self._channel} and {listed} in objects.parquet "
                f"({len(wrong)} such files in all): give the job the lineage and the manifests of "
                "the same execution."
            )


def _count(labels: pa.Int32Array, classes: int) -> npt.NDArray[np.int64]:
    return np.bincount(labels.to_numpy(), minlength=classes)


def entry_of(key: str) -> str:
    """The manifest entry of an object's key."""
    return "/".join(key.split("/")[-ENTRY_PARTS:])


def entries(folder: Path) -> Iterator[str]:
    """`<drop id>/<class label>/<file>` of every file that deep below `folder`, in any order."""
    for path, _, files in os.walk(folder):
        parent = Path(path).relative_to(folder).as_posix()
        if parent.count("/") == ENTRY_PARTS - 2:
            yield from (f"{parent}/{name}" for name in files)
