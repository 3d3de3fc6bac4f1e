"""Puts more rows than memory holds into the order of random places, through files on disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

ROWS_PER_BUCKET = 16_384
# Files open at a time.
MAXIMUM_BUCKETS = 256
WAITING_ROWS = 256


class Buckets:
    """Rows of `schema`, which begins with `place`: 32 evenly spread bytes to sort by.

    rows: about how many there will be. Bucket follows bucket in the order of places, so one at a
    time is sorted in memory.
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
        """Adds a row; OSError when the disk is full."""
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
