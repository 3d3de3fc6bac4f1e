"""Tables on local disk, so that memory need not hold them: the objects of a run, and others."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

BATCH_ROWS = 8_192


class SortedRows:
    """Batches in ascending order of their column `name` (UTF-8 bytes), read once."""

    def __init__(self, batches: Iterable[pa.RecordBatch], name: str) -> None:
        self._batches = iter(batches)
        self._name = name
        self._ahead: pa.RecordBatch | None = None

    def until(self, last: str | None) -> Iterator[pa.RecordBatch]:
        """What has not been read yet of the rows up to and with `last`; None: all the rest."""
        while (batch := self._unread()) is not None:
            cut = len(batch)
            if last is not None:
                cut = pc.sum(pc.less_equal(batch[self._name], last)).as_py() or 0
            self._ahead = batch.slice(cut)
            if cut:
                yield batch.slice(0, cut)
            if cut < len(batch):
                return

    def last_ahead(self) -> str | None:
        """The last name of the batch that is in memory; None at the end."""
        batch = self._unread()
        return None if batch is None else batch[self._name][-1].as_py()

    def _unread(self) -> pa.RecordBatch | None:
        while not self._ahead:
            self._ahead = next(self._batches, None)
            if self._ahead is None:
                return None
        return self._ahead


class RunsWriter:
    """Spills batches to disk as runs, each of them sorted; sorted input makes one run only."""

    def __init__(self, folder: Path, schema: pa.Schema, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._schema = schema
        self._name = name
        self._last: str | None = None
        self._paths: list[Path] = []
        self._writer: pa.RecordBatchFileWriter | None = None

    def append(self, batch: pa.RecordBatch) -> None:
        """Adds a batch of one row or more, in any order."""
        ordered = batch.sort_by(self._name)
        names = ordered[self._name]
        if self._writer is None or (self._last is not None and names[0].as_py() < self._last):
            self._writer = self._next_run()
        self._writer.write_batch(ordered)
        self._last = names[-1].as_py()

    def _next_run(self) -> pa.RecordBatchFileWriter:
        self._end_run()
        self._paths.append(self._folder / f"{len(self._paths)}.arrow")
        return pa.ipc.new_file(str(self._paths[-1]), self._schema)

    def _end_run(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows in ascending order; one batch of each run is in memory at a time."""
        self._end_run()
        runs = [SortedRows(read_batches(path), self._name) for path in self._paths]
        while True:
            ends = [end for run in runs if (end := run.last_ahead()) is not None]
            if not ends:
                return
            parts = [part for run in runs for part in run.until(min(ends))]
            window = pa.Table.from_batches(parts, self._schema).combine_chunks()
            yield from window.sort_by(self._name).to_batches(max_chunksize=BATCH_ROWS)


def read_batches(path: Path, fields: Sequence[int] = ()) -> Iterator[pa.RecordBatch]:
    """Batches of an Arrow file, one in memory at a time, with these fields or all."""
    options = pa.ipc.IpcReadOptions(included_fields=sorted(fields), use_threads=False)
    # Not memory-mapped: pages of the file would count as this process's memory.
    with pa.OSFile(str(path)) as file:
        reader = pa.ipc.open_file(file, options=options)
        for index in range(reader.num_record_batches):
            yield reader.get_batch(index)


ROWS_IN_MEMORY = 1_000


class Spool:
    """Takes batches of `schema`, then gives them once; `path` is made when they are many."""

    def __init__(self, path: Path, schema: pa.Schema, rows_in_memory: int = ROWS_IN_MEMORY) -> None:
        self._path = path
        self._schema = schema
        self._rows_in_memory = rows_in_memory
        self._waiting: list[pa.RecordBatch] = []
        self._writer: pa.RecordBatchFileWriter | None = None

    def append(self, batch: pa.RecordBatch) -> None:
        """Adds a batch.

        Raises:
            OSError: the disk is full.
        """
        self._waiting.append(batch)
        if sum(len(waiting) for waiting in self._waiting) > self._rows_in_memory:
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


class TableWriter:
    """A Parquet file, written a row group at a time by a thread of its own.

    options: of pyarrow.parquet.ParquetWriter. One row group waits at most.
    """

    def __init__(self, path: Path, schema: pa.Schema, **options: object) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(path, schema, **options)
        self._pool = ThreadPoolExecutor(1)
        self._written: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._wait()
        finally:
            self._pool.shutdown()
            self._writer.close()

    def write(self, table: pa.Table) -> None:
        """Begins the next row group.

        Raises:
            OSError: the one before met a full disk.
        """
        self._wait()
        # Encoding does not hold Python's lock.
        self._written = self._pool.submit(self._writer.write_table, table)

    def _wait(self) -> None:
        if self._written is not None:
            self._written.result()


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
        """Adds a batch of any number of rows.

        Raises:
            OSError: the disk is full.
        """
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
        return read_batches(self._path, [STAGED_SCHEMA.get_field_index(name) for name in columns])
