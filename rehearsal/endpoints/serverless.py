"""A serverless variant: a server from the first request until it has been idle for a while.

https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html

One server answers all requests of the variant, where AWS has one a concurrent request.
"""

import threading
import time
from collections.abc import Callable

from rehearsal.backends import ServerlessConfig
from rehearsal.endpoints.errors import FleetError, NotServingError
from rehearsal.endpoints.instance import Instance
from rehearsal.endpoints.pool import MakeInstance, invoke_instance
from rehearsal.endpoints.requests import Answer, Request
from rehearsal.errors import ApiError


class OnDemand:
    """`rehearsal.endpoints.pool.Servers` that end when nobody asks.

    The first server starts at once: a deployment has to show that it answers `GET /ping`.

    Attributes:
        on_setup: is told how many seconds a cold start took.
    """

    def __init__(
        self,
        variant: str,
        config: ServerlessConfig,
        make: MakeInstance,
        *,
        idle_seconds: float,
        on_setup: Callable[[float], object],
    ):
        self._variant = variant
        self._config = config
        self._make = make
        self._idle_seconds = idle_seconds
        self._on_setup = on_setup
        self._lock = threading.Lock()
        self._starting = threading.Lock()
        self._closed = threading.Event()
        self._underway = 0
        self._last_use = time.monotonic()
        self._instance: Instance | None = make()
        self._ender = threading.Thread(target=self._end_when_idle, daemon=True)
        self._ender.start()

    @property
    def available(self) -> bool:
        """Always: a server starts with the request that needs it."""
        return not self._closed.is_set()

    @property
    def instance_count(self) -> int:
        """None of its own."""
        return 0

    def wait_until_serving(self, timeout_seconds: float | None) -> None:
        """See `Servers`."""
        with self._lock:
            instance = self._instance
        if instance:
            instance.wait_until_serving(timeout_seconds)

    def ask(self, request: Request) -> Answer:
        """See `Servers`."""
        self._enter()
        try:
            while True:
                instance = self._warm(request.timeout_seconds)
                try:
                    return invoke_instance(instance, request)
                except NotServingError:
                    continue  # It died just now: the next one gets the request.
        finally:
            with self._lock:
                self._underway -= 1
                self._last_use = time.monotonic()

    def scale(self, count: int) -> None:
        """Nothing: it has no instances."""
        raise FleetError(f"The variant {self._variant} is serverless: it has no instances.")

    def stop(self) -> None:
        """See `Servers`."""
        if instance := self._last():
            instance.stop()

    def kill(self) -> None:
        """See `Servers`."""
        if instance := self._last():
            instance.kill()

    def join(self) -> None:
        """See `Servers`."""
        self._ender.join()
        if instance := self._last():
            instance.join()

    def _last(self) -> Instance | None:
        """Closes it; the instance that there is then has no successor."""
        # Under the lock that a cold start makes its instance under: it is either there already,
        # or never made.
        with self._lock:
            self._closed.set()
            return self._instance

    def _enter(self) -> None:
        most = self._config.maximum_concurrency
        with self._lock:
            if self._underway >= most:
                raise ApiError(
                    "ThrottlingException",
                    f"The serverless variant {self._variant} already has as many requests as its "
                    f"MaxConcurrency of {most} allows: try again later.",
                )
            self._underway += 1

    def _warm(self, timeout_seconds: float) -> Instance:
        """The server, started where there is none.

        Raises:
            ApiError: it did not come up.
        """
        with self._starting:
            instance = self._instance
            if instance and instance.serving:
                return instance
            began = time.monotonic()
            if instance is None or instance.decided:
                instance = self._start_anew(instance)
            try:
                instance.wait_until_serving(timeout_seconds)
            except FleetError as error:
                unanswered = {"OriginalStatusCode": 500, "OriginalMessage": ""}
                raise ApiError("ModelError", str(error), 424, unanswered) from error
            self._on_setup(time.monotonic() - began)
            return instance

    def _start_anew(self, dead: Instance | None) -> Instance:
        if dead:
            dead.kill()
            dead.join()
        with self._lock:
            if self._closed.is_set():
                raise ApiError("ServiceUnavailable", "The endpoint is being deleted.", 503)
            self._instance = self._make()
            return self._instance

    def _end_when_idle(self) -> None:
        while not self._closed.wait(min(self._idle_seconds / 4, 1.0)):
            with self._starting:
                with self._lock:
                    idle = time.monotonic() - self._last_use
                    instance = self._instance
                    if instance is None or not instance.decided:
                        continue
                    if self._underway or idle < self._idle_seconds:
                        continue
                    self._instance = None
                instance.stop()
                instance.join()
