"""`objects.parquet`: a row an object, sorted by key; what trained, validated and tested a model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa

from processing.channels import CHANNELS
from processing.manifests.membership import CHANNEL_TYPE
from processing.manifests.split import Codes
from processing.manifests.table_writer import TableWriter

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

    class_labels and drop_ids: by the staged `class` and `drop`. labels: by encoded label.
    """

    class_labels: tuple[str, ...]
    drop_ids: tuple[str, ...]
    labels: tuple[str, ...]
    execution_id: str

    @property
    def encoded(self) -> pa.Array:
        """The encoded label by the staged `class`."""
        index = {label: number for number, label in enumerate(self.labels)}
        return pa.array([index[label] for label in self.class_labels], pa.int32())


class ObjectsWriter:
    """Writes the table a row group at a time; the same rows give the same bytes."""

    def __init__(self, path: Path, names: Names) -> None:
        self._names = names
        self._encoded = names.encoded
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
        columns = [
            batch["key"],
            batch["version_id"],
            batch["size"],
            batch["sha256"],
            pa.DictionaryArray.from_arrays(batch["class"], list(self._names.class_labels)),
            self._encoded.take(batch["class"]),
            pa.DictionaryArray.from_arrays(channels.astype(np.int8), list(CHANNELS)),
            pa.DictionaryArray.from_arrays(batch["drop"], list(self._names.drop_ids)),
            pa.DictionaryArray.from_arrays(
                np.zeros(len(batch), np.int32), [self._names.execution_id]
            ),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=OBJECTS_SCHEMA)

    def _write(self) -> None:
        if not self._waiting:
            return
        table, self._waiting = pa.Table.from_batches(self._waiting), []
        self._writer.write(table)
