"""A shadow variant: it gets copies of requests, and nobody gets its answers.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-shadow-deployment.html
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable

from rehearsal.endpoints.requests import Request, chosen

_log = logging.getLogger(__name__)

# What the shadow has no time for is left out: production requests wait for nothing here.
_WAITING = 32
_AT_ONCE = 4


class Shadow:
    """Attributes:
    share: of the requests that are copied, 0 to 1.
    ask: asks the shadow's server and tells the metrics and the capture of it.
    """

    def __init__(self, name: str, share: float, ask: Callable[[Request], object]):
        self._name = name
        self._share = share
        self._ask = ask
        self._copies: queue.Queue[Request | None] = queue.Queue(_WAITING)
        self._threads = [
            threading.Thread(target=self._work, name=f"shadow {name}", daemon=True)
            for _ in range(_AT_ONCE)
        ]
        for thread in self._threads:
            thread.start()

    def offer(self, request: Request) -> None:
        """Copies the request, if chance picks it; returns at once."""
        if chosen(self._share):
            with contextlib.suppress(queue.Full):
                self._copies.put_nowait(request)

    def close(self) -> None:
        """Ends once the shadow's servers have; what waits is left out."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._copies.get_nowait()
        for _ in self._threads:
            self._copies.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (request := self._copies.get()) is not None:
            try:
                self._ask(request)
            except Exception as error:  # noqa: BLE001 - nobody waits for a shadow's answer
                _log.info("The shadow variant %s gave no answer: %s", self._name, error)
