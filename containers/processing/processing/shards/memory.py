"""Keeps what many threads hold at a time within a budget."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Memory:
    """A budget of bytes, given out in the order in which it is asked for.

    Who asks for more than all of it gets all of it, and so runs alone.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._free = size
        self._queue: deque[object] = deque()
        self._changed = Condition()

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Waits until `size` bytes are free, and holds them within a block."""
        wanted, ticket = min(size, self._size), object()
        with self._changed:
            self._queue.append(ticket)
            self._changed.wait_for(lambda: self._queue[0] is ticket and self._free >= wanted)
            self._queue.popleft()
            self._free -= wanted
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()
