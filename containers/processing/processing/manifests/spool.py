"""Batches that wait to be read once: few in memory, many on disk."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from processing.manifests.sorted_rows import read_batches

ROWS_IN_MEMORY = 1_000


class Spool:
    """Takes batches of `schema`, then gives them once; `path` is made when they are many."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path = path
        self._schema = schema
        self._waiting: list[pa.RecordBatch] = []
        self._writer: pa.RecordBatchFileWriter | None = None

    def append(self, batch: pa.RecordBatch) -> None:
        """Adds a batch; OSError when the disk is full."""
        self._waiting.append(batch)
        if sum(len(waiting) for waiting in self._waiting) > ROWS_IN_MEMORY:
            self._spill()

    def _spill(self) -> None:
        if self._writer is None:
            self._writer = pa.ipc.new_file(str(self._path), self._schema)
        for batch in self._waiting:
            self._writer.write_batch(batch)
        self._waiting = []

    def close(self) -> None:
        """Ends the taking."""
        if self._writer is not None:
            self._spill()
            self._writer.close()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The batches in their order; the file is gone after the last."""
        yield from self._waiting
        if self._writer is not None:
            yield from read_batches(self._path)
            self._path.unlink()
