"""Reads records one by one, or from storage far away window after window."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from typing import Self

import numpy as np

from records import reader
from records.framing import RecordError
from records.reader import Records
from training.common.container import UserError
from training.data.ahead import ready

# Storage far away answers late, and many at a time.
_CONNECTIONS = 8


class Reader(reader.Reader):
    """Reads records by their numbers; a damaged one is what a user can put right."""

    def read(self, numbers: Sequence[int] | np.ndarray) -> list[bytes]:
        """The data of the records `numbers`, each a serialised `tf.train.Example`.

        Raises:
            UserError: a record's checksum is not that of its data, or its file is not whole.
        """
        with damage_explained():
            return super().read(numbers)


class WindowReader:
    """Reads records that lie far away: each window whole, in long runs, while the one before is
    taken. It holds up to five of them.

    Args:
        windows: the numbers of each window, in the order in which they are asked for.
    """

    def __init__(self, records: Records, windows: Iterable[np.ndarray]) -> None:
        self._records = records
        self._near = Reader(records)
        self._pool = ThreadPoolExecutor(_CONNECTIONS, "blocks")
        self._loaded = ready((self._load(window) for window in windows), 1)
        # A batch may lie in two windows.
        self._held: deque[dict[int, bytes]] = deque(maxlen=2)
        self._next: dict[int, bytes] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._loaded.close()
        self._pool.shutdown(cancel_futures=True)
        self._near.__exit__()

    def read(self, numbers: Sequence[int] | np.ndarray) -> list[bytes]:
        """The data of the records `numbers`.

        Raises:
            UserError: see `Reader.read`.
        """
        return [self._read(int(number)) for number in numbers]

    def _read(self, number: int) -> bytes:
        for window in self._held:
            if number in window:
                return window[number]
        if not self._next:
            self._next = next(self._loaded, {})
        if number not in self._next:
            # What only fills a batch up may lie anywhere.
            return self._near.read([number])[0]
        self._held.append(self._next)
        self._next = {}
        return self._held[-1][number]

    def _load(self, window: np.ndarray) -> dict[int, bytes]:
        runs = list(_runs(np.sort(window), self._records.bases))
        with damage_explained():
            parts = self._pool.map(self._load_run, runs)
            numbers = chain.from_iterable(range(first, first + count) for first, count in runs)
            return dict(zip(numbers, chain.from_iterable(parts), strict=True))

    def _load_run(self, run: tuple[int, int]) -> list[bytes]:
        with reader.Reader(self._records) as opened:
            return opened.read_run(*run)


def _runs(numbers: np.ndarray, bases: np.ndarray) -> Iterator[tuple[int, int]]:
    """First number and length of each run of records that follow one another in a file."""
    begins = np.flatnonzero(np.diff(numbers, prepend=-2) != 1)
    begins = np.union1d(begins, np.searchsorted(numbers, bases))
    ends = [*begins[1:].tolist(), len(numbers)]
    for begin, end in zip(begins.tolist(), ends, strict=True):
        if end > begin:
            yield int(numbers[begin]), end - begin


@contextmanager
def damage_explained() -> Iterator[None]:
    """A damaged record becomes what a user can put right."""
    try:
        yield
    except RecordError as error:
        raise UserError(str(error)) from error
