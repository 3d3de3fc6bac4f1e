"""Runs model servers as processes in namespaces of their own."""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
from collections.abc import Callable, Mapping

from rehearsal.backends import Change, Variant
from rehearsal.endpoints.errors import FleetError
from rehearsal.endpoints.fleet import Fleet
from rehearsal.errors import ApiError
from rehearsal.images.errors import ImageError
from rehearsal.settings import RehearsalSettings

_log = logging.getLogger(__name__)


class ProcessEndpoints:
    """A `rehearsal.backends.EndpointBackend`."""

    def __init__(self, settings: RehearsalSettings):
        self._settings = settings
        self._folder = settings.state / "endpoints"
        self._lock = threading.Lock()
        self._serving: dict[str, Fleet] = {}
        # Fleets that come up, by endpoint: one that is deleted or deployed again meanwhile has no
        # use for them.
        self._coming: dict[str, Fleet] = {}
        self._threads: set[threading.Thread] = set()
        self._fleets: set[Fleet] = set()
        # What a rehearsal that was killed left.
        shutil.rmtree(self._folder, ignore_errors=True)

    def deploy(self, endpoint_name: str, variants: list[Variant], change: Change) -> None:
        folder = self._folder / endpoint_name / secrets.token_hex(4)
        fleet = Fleet(self._settings, endpoint_name, variants, folder)
        with self._lock:
            overtaken = self._coming.get(endpoint_name)
            self._coming[endpoint_name] = fleet
            self._fleets.add(fleet)
        if overtaken:
            self._in_background(self._retire, overtaken)
        self._in_background(self._bring_up, endpoint_name, fleet, change)

    def delete(self, endpoint_name: str) -> None:
        with self._lock:
            found = (
                self._serving.pop(endpoint_name, None),
                self._coming.pop(endpoint_name, None),
            )
        for fleet in found:
            if fleet:
                self._in_background(self._retire, fleet)

    def invoke(
        self, endpoint_name: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        with self._lock:
            fleet = self._serving.get(endpoint_name)
            if fleet is None:
                raise ApiError(
                    "ServiceUnavailable",
                    f"The endpoint {endpoint_name} has no model server: wait until it is "
                    f"InService.",
                    503,
                )
            # Entered before the lock is let go, so a fleet that is replaced now waits for this
            # request.
            fleet.enter()
        try:
            return fleet.invoke(body, headers)
        finally:
            fleet.leave()

    def close(self) -> None:
        with self._lock:
            self._serving.clear()
            self._coming.clear()
            fleets = list(self._fleets)
        for fleet in fleets:
            fleet.kill()
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join()

    def _bring_up(self, endpoint_name: str, fleet: Fleet, change: Change) -> None:
        try:
            fleet.start()
        except (FleetError, ImageError) as error:
            self._give_up(endpoint_name, fleet, change, str(error))
            return
        except Exception as error:  # noqa: BLE001 - a fault of ours must end the wait, too
            _log.exception("The endpoint %s could not be deployed.", endpoint_name)
            self._give_up(endpoint_name, fleet, change, f"InternalServerError: {error}")
            return
        with self._lock:
            wanted = self._coming.get(endpoint_name) is fleet
            if wanted:
                del self._coming[endpoint_name]
                older = self._serving.get(endpoint_name)
                self._serving[endpoint_name] = fleet
        if not wanted:
            return
        change({"EndpointStatus": "InService"})
        if older:
            self._retire(older)

    def _give_up(self, endpoint_name: str, fleet: Fleet, change: Change, reason: str) -> None:
        with self._lock:
            wanted = self._coming.get(endpoint_name) is fleet
            if wanted:
                del self._coming[endpoint_name]
        self._retire(fleet)
        if wanted:
            change({"EndpointStatus": "Failed", "FailureReason": reason})

    def _retire(self, fleet: Fleet) -> None:
        fleet.drain()
        fleet.stop()
        with self._lock:
            self._fleets.discard(fleet)

    def _in_background(self, work: Callable[..., None], *arguments: object) -> None:
        def run() -> None:
            try:
                work(*arguments)
            finally:
                with self._lock:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=run, daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()
