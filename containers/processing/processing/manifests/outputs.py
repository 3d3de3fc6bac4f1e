"""Writes manifests and lineage of the staged objects, once each has its channel.

SageMaker's manifests: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
"""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from drops.s3_uri import S3Uri
from processing.common.buckets import Buckets, places_of
from processing.common.container import CHANNELS
from processing.manifests.assignment import Assigner, Assignment
from processing.manifests.earlier import MEMBERSHIP, OBJECTS
from processing.manifests.membership import CHANNEL_TYPE
from processing.manifests.split import Codes, Integers
from processing.manifests.staging import StagedObjects, TableWriter

SEPARATOR = b',\n "'


class ManifestWriter:
    """Writes `<channel>.manifest` below `folder`: the drops' folder as prefix, then each object."""

    def __init__(self, folder: Path, drops: S3Uri) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._prefix = len(drops.key.encode())
        self._files = [(folder / f"{channel}.manifest").open("wb") for channel in CHANNELS]
        for file in self._files:
            file.write(b"[\n " + json.dumps({"prefix": str(drops)}, ensure_ascii=False).encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.write(b"\n]\n")
            file.close()

    def append(self, keys: pa.StringArray, channels: Codes) -> None:
        """Adds objects by their whole keys, each to its channel (index of CHANNELS)."""
        entries = pc.binary_replace_slice(keys.cast(pa.binary()), 0, self._prefix, SEPARATOR)
        if _has_to_be_escaped(_bytes(keys)):
            entries = pa.array([_escaped(entry) for entry in entries.to_pylist()], pa.binary())
        for code, file in enumerate(self._files):
            chosen = entries.filter(pa.array(channels == code))
            if len(chosen):
                closed = pc.binary_join_element_wise(chosen, pa.scalar(b""), pa.scalar(b'"'))
                file.write(_bytes(closed).data)


def _bytes(strings: pa.Array) -> npt.NDArray[np.uint8]:
    """The bytes of all strings, one after the other."""
    _, offsets, values = strings.buffers()
    bounds = np.frombuffer(offsets, np.int32)[strings.offset : strings.offset + len(strings) + 1]
    return np.frombuffer(values, np.uint8)[bounds[0] : bounds[-1]]


def _has_to_be_escaped(text: npt.NDArray[np.uint8]) -> bool:
    """Whether JSON writes some of it otherwise than it is (RFC 8259, section 7)."""
    return bool(((text < ord(" ")) | (text == ord('"')) | (text == ord("\\"))).any())


def _escaped(entry: bytes) -> bytes:
    name = entry.removeprefix(SEPARATOR).decode()
    return SEPARATOR[:-1] + json.dumps(name, ensure_ascii=False).encode()[:-1]


NAME_TYPE = pa.dictionary(pa.int32(), pa.string())
OBJECTS_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("version_id", pa.string()),
        ("size", pa.int64()),
        ("sha256", pa.binary(32)),
        ("class_label", NAME_TYPE),
        ("encoded_label", pa.int32()),
        ("channel", CHANNEL_TYPE),
        ("drop_id", NAME_TYPE),
        ("execution_id", NAME_TYPE),
    ]
)
DICTIONARIES = ["class_label", "encoded_label", "channel", "drop_id", "execution_id"]
ROW_GROUP_ROWS = 16_384


@dataclass(frozen=True)
class Names:
    """What the indexes of the staged rows stand for.

    Attributes:
        class_labels, drop_ids: by the staged `class` and `drop`.
        labels: by encoded label.
    """

    class_labels: tuple[str, ...]
    drop_ids: tuple[str, ...]
    labels: tuple[str, ...]
    execution_id: str


class ObjectsWriter:
    """Writes the table a row group at a time; the same rows give the same bytes."""

    def __init__(self, path: Path, names: Names) -> None:
        self._names = names
        index = {label: number for number, label in enumerate(names.labels)}
        self._encoded = pa.array([index[label] for label in names.class_labels], pa.int32())
        # Keys share their beginnings; version ids and digests do not compress.
        self._writer = TableWriter(
            path,
            OBJECTS_SCHEMA,
            use_dictionary=DICTIONARIES,
            column_encoding={"key": "DELTA_BYTE_ARRAY"},
            compression={
                name: "zstd" if name == "key" else "none" for name in OBJECTS_SCHEMA.names
            },
        )
        self._waiting: list[pa.RecordBatch] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._writer:
            if kind is None:
                self._write()

    def append(self, batch: pa.RecordBatch, channels: Codes) -> None:
        """Adds staged rows with their channels (indexes of CHANNELS)."""
        self._waiting.append(self._rows(batch, channels))
        if sum(len(waiting) for waiting in self._waiting) >= ROW_GROUP_ROWS:
            self._write()

    def _rows(self, batch: pa.RecordBatch, channels: Codes) -> pa.RecordBatch:
        names, by_index = self._names, pa.DictionaryArray.from_arrays
        columns = [
            *batch.select(["key", "version_id", "size", "sha256"]),
            by_index(batch["class"], list(names.class_labels)),
            self._encoded.take(batch["class"]),
            by_index(channels.astype(np.int8), list(CHANNELS)),
            by_index(batch["drop"], list(names.drop_ids)),
            by_index(np.zeros(len(batch), np.int32), [names.execution_id]),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=OBJECTS_SCHEMA)

    def _write(self) -> None:
        if not self._waiting:
            return
        table, self._waiting = pa.Table.from_batches(self._waiting), []
        self._writer.write(table)


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


DEALT_SCHEMA = pa.schema([("key", pa.string()), ("channel", pa.uint8())])
PROGRESS_ROWS = 1_000_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Folders:
    """Where the step writes: its two outputs, and what it deletes at its end."""

    manifests: Path
    lineage: Path
    working: Path


def write_outputs(
    staged: StagedObjects, assigner: Assigner, names: Names, drops: S3Uri, folders: Folders
) -> tuple[Assignment, Tally]:
    """Assigns channels and writes `<channel>.manifest`, `objects.parquet`, `membership.parquet`.

    The table is sorted by key. A manifest is in the order of a hash, so that whichever part of it a
    host is dealt has each class in about its share.

    Raises:
        UserError: a class is too small for the channels.
    """
    assignment = assigner.assign(folders.lineage / MEMBERSHIP, folders.working)
    logger.info("Channels are assigned: %d different images.", assignment.contents)
    tally = Tally(len(names.class_labels), assignment.copies.rows())
    deal = Buckets(folders.working / "deal", DEALT_SCHEMA, assigner.objects)
    with deal, ObjectsWriter(folders.lineage / OBJECTS, names) as objects:
        for batch in staged.batches():
            channels = assignment.channels[tally.rows : tally.rows + len(batch)]
            columns = [batch["key"], pa.array(channels)]
            rows = pa.RecordBatch.from_arrays(columns, schema=DEALT_SCHEMA)
            deal.append(places_of(assigner.split.seed, batch["sha256"], tally.rows), rows)
            objects.append(batch, channels)
            if (tally.rows + len(batch)) // PROGRESS_ROWS > tally.rows // PROGRESS_ROWS:
                logger.info("%d objects are written.", tally.rows + len(batch))
            tally.add(batch, channels)
    with ManifestWriter(folders.manifests, drops) as manifests:
        for table in deal.tables():
            keys, codes = (column.combine_chunks() for column in table.columns)
            manifests.append(keys, codes.to_numpy())
    return assignment, tally
