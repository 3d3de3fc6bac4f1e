"""SIGTERM, which SageMaker sends 120 s before it kills, as an orderly end."""

from __future__ import annotations

import signal
import time
from types import FrameType

from training.errors import Stopped


class Stop:
    """Remembers that SIGTERM or Ctrl-C came; `pause` is where it takes effect."""

    def __init__(self) -> None:
        self._asked = False

    def listen(self) -> None:
        """From the main thread. As process 1 of a container a default handler would do nothing."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    @property
    def asked(self) -> bool:
        return self._asked

    def pause(self, seconds: float) -> None:
        """Raises:
        Stopped: the job was asked to stop.
        """
        if not self._asked:
            time.sleep(seconds)
        if self._asked:
            raise Stopped

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
