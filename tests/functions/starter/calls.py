"""Functions that stop in the middle: killed at one of their calls to AWS, or asleep before it."""

import threading
from collections.abc import Callable
from typing import Any

_PATIENCE = 60


class Killed(BaseException):
    """The function is no more; no code of its own may catch that."""


class Function:
    """One invocation, in a thread of its own so that it can fall asleep.

    Attributes:
        work: what it does.
        sleeps_at: number of the call before which it falls asleep, from 1; 0 for none.
        dies_at: number of the call before which it is killed; negative: right after it.
    """

    def __init__(self, work: Callable[[], object], sleeps_at: int = 0, dies_at: int = 0) -> None:
        self.error: BaseException | None = None
        self._work = work
        self._sleeps_at = sleeps_at
        self._dies_at = dies_at
        self._calls = 0
        self._has_ended = False
        self._stopped = threading.Event()
        self._may_go_on = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Returns when it has ended or fallen asleep."""
        self._thread.start()
        assert self._stopped.wait(_PATIENCE)

    def wake(self) -> None:
        """Returns when it has ended."""
        self._may_go_on.set()
        self._thread.join(_PATIENCE)
        assert self._has_ended

    @property
    def sleeps(self) -> bool:
        return not self._has_ended

    def _run(self) -> None:
        _current.function = self
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - whoever delivered the event looks at it
            self.error = error
        self._has_ended = True
        self._stopped.set()

    def call(self, make: Callable[[], Any]) -> Any:
        self._calls += 1
        if self._calls == self._sleeps_at:
            self._stopped.set()
            assert self._may_go_on.wait(_PATIENCE)
        if self._calls == self._dies_at:
            raise Killed
        try:
            return make()
        finally:
            if self._calls == -self._dies_at:
                raise Killed


_current = threading.local()


def around(make: Callable[[], Any]) -> Any:
    """Makes a call to AWS as the function of this thread does it."""
    function: Function | None = getattr(_current, "function", None)
    return make() if function is None else function.call(make)
