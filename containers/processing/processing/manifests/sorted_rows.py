"""Tables on disk that are sorted by a column of names, read in step with something else."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

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
            cut = len(batch) if last is None else _count_until(batch[self._name], last)
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


def read_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Batches of an Arrow file, one in memory at a time."""
    # Not memory-mapped: pages of the file would count as this process's memory.
    with pa.OSFile(str(path)) as file:
        reader = pa.ipc.open_file(file)
        for index in range(reader.num_record_batches):
            yield reader.get_batch(index)


def _count_until(names: pa.StringArray, last: str) -> int:
    count: int = pc.sum(pc.less_equal(names, last)).as_py() or 0
    return count
