"""The objects of a run on local disk, so that memory need not hold them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pyarrow as pa

# `drop` and `class` are indexes: of the included drops and of the class labels found.
STAGED_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("version_id", pa.string()),
        ("size", pa.int64()),
        ("sha256", pa.binary(32)),
        ("drop", pa.int32()),
        ("class", pa.int32()),
    ]
)
BATCH_ROWS = 8_192


class StagedWriter:
    """Writes batches of STAGED_SCHEMA in ascending order of `key` (UTF-8 bytes)."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._file, STAGED_SCHEMA)
        self._waiting: list[pa.RecordBatch] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._write()
            self._writer.close()
        self._file.close()

    def append(self, batch: pa.RecordBatch) -> None:
        """Adds a batch of any number of rows; OSError when the disk is full."""
        self._waiting.append(batch)
        if sum(len(waiting) for waiting in self._waiting) >= BATCH_ROWS:
            self._write()

    def _write(self) -> None:
        table = pa.Table.from_batches(self._waiting, STAGED_SCHEMA).combine_chunks()
        for batch in table.to_batches(max_chunksize=BATCH_ROWS):
            self._writer.write_batch(batch)
        self._waiting = []


class StagedObjects:
    """Reads what a StagedWriter wrote, as often as wanted, a batch at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def batches(self, *columns: str) -> Iterator[pa.RecordBatch]:
        """Batches of at most BATCH_ROWS rows, with these columns or all."""
        fields = [STAGED_SCHEMA.get_field_index(column) for column in columns]
        options = pa.ipc.IpcReadOptions(included_fields=sorted(fields), use_threads=False)
        # Not memory-mapped: pages of the file would count as this process's memory.
        with pa.OSFile(str(self._path)) as file:
            reader = pa.ipc.open_file(file, options=options)
            for index in range(reader.num_record_batches):
                yield reader.get_batch(index)
