"""Counts requests that are under way, so that their server is not taken from them."""

from __future__ import annotations

import threading

from rehearsal.backends import INVOCATION_SECONDS

# A server that sends its answer byte by byte may take longer than a request's timeout.
_RESERVE_SECONDS = 5.0


class Underway:
    """Requests that have begun and are not answered yet."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0
        self._longest = INVOCATION_SECONDS

    def enter(self, timeout_seconds: float) -> None:
        """Marks a request as begun, which ends after `timeout_seconds` at the latest."""
        with self._changed:
            self._count += 1
            self._longest = max(self._longest, timeout_seconds)

    def leave(self) -> None:
        """Marks a request as answered."""
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def wait(self) -> None:
        """Returns when none is under way, or all have had their time."""
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0, self._longest + _RESERVE_SECONDS)
