"""TFRecord files of bounded size, each with its index."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from records.framing import FOOTER_BYTES, HEADER_BYTES
from records.index import SUFFIX, IndexWriter

DATA_SUFFIX = ".tfrecord"


class RecordFiles:
    """Writes `<name>-00000.tfrecord` and so on to `data`, and the index of each to `index`.

    A file ends when it has reached `limit` bytes; without a record there is none.

    Attributes:
        records: how many were written.
        bytes: of all files together, indexes left out.
        indexes: of the files, in their order.
    """

    def __init__(self, data: Path, index: Path, name: str, limit: int) -> None:
        for folder in (data, index):
            folder.mkdir(parents=True, exist_ok=True)
        self._data = data
        self._index_folder = index
        self._name = name
        self._limit = limit
        self._open = ExitStack()
        self._size = limit
        self.records = self.bytes = 0
        self.indexes: list[Path] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, raised, where)

    def append(self, parts: Sequence[bytes | memoryview], label: int) -> None:
        """Adds a record as it lies in a file, in parts.

        Raises:
            OSError: the disk is full.
        """
        if self._size >= self._limit:
            self._begin()
        length = sum(len(part) for part in parts)
        self._file.writelines(parts)
        self._index.append(self._size, length - HEADER_BYTES - FOOTER_BYTES, label)
        self._size += length
        self.bytes += length
        self.records += 1

    def _begin(self) -> None:
        self._open.close()
        name = f"{self._name}-{len(self.indexes):05d}"
        self.indexes.append(self._index_folder / f"{name}{SUFFIX}")
        self._file = self._open.enter_context((self._data / f"{name}{DATA_SUFFIX}").open("wb"))
        self._index = self._open.enter_context(IndexWriter(self.indexes[-1]))
        self._size = 0
