"""The instances of one variant, and which of them gets a request."""

import itertools
import threading
import time
from collections.abc import Callable
from typing import Protocol

import httpx

from rehearsal.endpoints.errors import FleetError, NotServingError
from rehearsal.endpoints.instance import Instance
from rehearsal.endpoints.requests import Answer, Request
from rehearsal.errors import ApiError

MakeInstance = Callable[[], Instance]


class Servers(Protocol):
    """What answers for one variant."""

    @property
    def available(self) -> bool:
        """Whether no server is missing altogether: one is up, or none is wanted now."""

    @property
    def instance_count(self) -> int:
        """Instances that get requests; 0 of a serverless variant."""

    def wait_until_serving(self, timeout_seconds: float | None) -> None:
        """Returns when all servers answer their pings.

        Raises:
            FleetError: a server did not come up.
        """

    def ask(self, request: Request) -> Answer:
        """The container's own answer, whatever its status.

        Raises:
            ApiError: no server gets the request.
            httpx.HTTPError: the server gave no answer.
        """

    def scale(self, count: int) -> None:
        """Returns when there are `count` instances.

        Raises:
            FleetError: a new one did not come up; the others serve on.
        """

    def stop(self) -> None:
        """SIGTERM to all servers; returns at once."""

    def kill(self) -> None:
        """Ends all servers; returns at once."""

    def join(self) -> None:
        """Waits until all servers are gone."""


class Pool:
    """`Servers` that are instances, of which each gets a request in its turn."""

    def __init__(self, variant: str, count: int, make: MakeInstance):
        self._variant = variant
        self._make = make
        self._lock = threading.Lock()
        self._closed = False
        self._turns = itertools.count()
        self._instances = [make() for _ in range(count)]
        # Those that come up or are drained: they get no requests, but end with the others.
        self._beside: list[Instance] = []

    @property
    def available(self) -> bool:
        """Whether one of its servers is up."""
        instances = self._instances
        return not instances or any(instance.serving for instance in instances)

    @property
    def instance_count(self) -> int:
        """How many instances it has now."""
        return len(self._instances)

    def wait_until_serving(self, timeout_seconds: float | None) -> None:
        """See `Servers`."""
        ends = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        for instance in self._instances:
            instance.wait_until_serving(None if ends is None else max(ends - time.monotonic(), 0))

    def ask(self, request: Request) -> Answer:
        """See `Servers`."""
        tries = self.instance_count + 1
        while True:
            instance = self._enter(request)
            try:
                return invoke_instance(instance, request)
            except NotServingError:
                continue  # It has seen nothing of the request: the next one gets it.
            except httpx.ConnectError:
                tries -= 1  # Nor has this one.
                if not tries:
                    raise
            finally:
                instance.in_flight.leave()

    def scale(self, count: int) -> None:
        """See `Servers`."""
        with self._lock:
            if self._closed:
                return
            leaving = self._instances[count:]
            coming = [self._make() for _ in range(count - len(self._instances))]
            self._instances = self._instances[:count]
            self._beside += leaving + coming
        for instance in leaving:
            instance.in_flight.wait()
            instance.stop()
            instance.join()
        try:
            for instance in coming:
                instance.wait_until_serving()
        except FleetError:
            leaving = coming
            for instance in coming:
                instance.kill()
                instance.join()
            raise
        finally:
            with self._lock:
                self._beside = [each for each in self._beside if each not in leaving + coming]
                self._instances += [each for each in coming if each not in leaving]

    def stop(self) -> None:
        """See `Servers`."""
        for instance in self._all():
            instance.stop()

    def kill(self) -> None:
        """See `Servers`."""
        for instance in self._all():
            instance.kill()

    def join(self) -> None:
        """See `Servers`."""
        for instance in self._all():
            instance.join()

    def _all(self) -> list[Instance]:
        with self._lock:
            self._closed = True
            return self._instances + self._beside

    def _enter(self, request: Request) -> Instance:
        with self._lock:
            serving = [instance for instance in self._instances if instance.serving]
            if serving:
                instance = serving[next(self._turns) % len(serving)]
                # Entered before the lock is let go, so that who takes it out waits for this.
                instance.in_flight.enter(request.timeout_seconds)
                return instance
        if self._instances:
            what = "No model server is up; a new one is being started, try again"
        else:
            what = "There is no instance: wait until it is scaled out"
        raise ApiError("ServiceUnavailable", f"{what} (variant {self._variant}).", 503)


def invoke_instance(instance: Instance, request: Request) -> Answer:
    """The answer of one instance to a request.

    Raises:
        NotServingError: the instance is being replaced; it has seen nothing.
        httpx.HTTPError: it gave no answer.
    """
    began = time.monotonic()
    response: httpx.Response = instance.post(
        "/invocations", request.body, request.for_container, request.timeout_seconds
    )
    seconds = time.monotonic() - began
    return Answer(response.status_code, response.headers, response.content, seconds)
