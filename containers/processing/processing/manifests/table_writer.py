"""Writes a table in Parquet while the next rows are prepared."""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq


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
        """Begins the next row group; OSError when the one before met a full disk."""
        self._wait()
        # Encoding does not hold Python's lock.
        self._written = self._pool.submit(self._writer.write_table, table)

    def _wait(self) -> None:
        if self._written is not None:
            self._written.result()
