"""What is done again and again beside the server, and must not end unseen."""

import asyncio
import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator

_log = logging.getLogger(__name__)
_QUIET_AFTER = 5  # failures in a row; each before has its traceback in the log, none after


class SupervisedThread:
    """Runs `look` every so many seconds in a thread of its own, until it is closed.

    What `look` raises is logged with its traceback, and the next look comes all the same. After
    five failures in a row that is told once, and the log is spared until a look succeeds.

    Attributes:
        every: seconds between the end of a look and the next one.
    """

    def __init__(self, name: str, look: Callable[[], None], every: float) -> None:
        self._look = look
        self._every = every
        self._failures = Failures(name)
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Begins; the first look comes after `every` seconds."""
        self._thread.start()

    def wake(self) -> None:
        """Has the next look come at once."""
        self._wake.set()

    def stop(self) -> None:
        """Lets no further look begin. Returns at once."""
        self._closing = True
        self._wake.set()

    def join(self) -> None:
        """Waits for the look that runs, if any; of a thread that was not started, no error."""
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def close(self) -> None:
        """Stops it and waits until it has ended; may be called again."""
        self.stop()
        self.join()

    def _work(self) -> None:
        while True:
            self._wake.wait(self._every)
            self._wake.clear()
            if self._closing:
                return
            with self._failures.watched():
                self._look()


async def look_now_and_then(name: str, look: Callable[[], None], every: float) -> None:
    """Until cancelled: `look` on the event loop, every so many seconds, with the same care."""
    failures = Failures(name)
    while True:
        await asyncio.sleep(every)
        with failures.watched():
            look()


class Failures:
    """Tells of the failures of what is done again and again, so that one ends no other."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._in_a_row: Counter[str] = Counter()

    @contextlib.contextmanager
    def watched(self, part: str = "") -> Iterator[None]:
        """Logs an exception instead of raising it.

        Args:
            part: of the work, whose failures are counted by themselves.
        """
        name = f"{self._name} ({part})" if part else self._name
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, the next look comes
            self._in_a_row[part] += 1
            _log_failure(name, self._in_a_row[part], error)
        else:
            if self._in_a_row.pop(part, 0) >= _QUIET_AFTER:
                _log.info("%s works again.", name)


def _log_failure(name: str, in_a_row: int, error: Exception) -> None:
    if in_a_row < _QUIET_AFTER:
        _log.error("%s failed and goes on.", name, exc_info=error)
    elif in_a_row == _QUIET_AFTER:
        _log.error("%s fails again and again, and is tried on in silence: %r", name, error)
