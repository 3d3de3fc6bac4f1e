"""Runs model servers as processes in namespaces of their own."""

import logging
import secrets
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rehearsal import aws
from rehearsal.backends import (
    INVOCATION_SECONDS,
    Capacity,
    Change,
    Configuration,
    DeploymentConfig,
    Response,
)
from rehearsal.endpoints.capacities import change_capacities
from rehearsal.endpoints.fleet import Fleet
from rehearsal.endpoints.instance import Timing
from rehearsal.endpoints.metrics import EndpointMetrics
from rehearsal.endpoints.requests import Request
from rehearsal.endpoints.rollout import RollbackAlarms, Rollout
from rehearsal.endpoints.traffic import Traffic, unavailable
from rehearsal.settings import RehearsalSettings

_log = logging.getLogger(__name__)


@dataclass
class _Endpoint:
    """What serves, and the update under way.

    Attributes:
        turn: held by the one change of it that is made.
    """

    traffic: Traffic
    rollout: Rollout | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)


class ProcessEndpoints:
    """A `rehearsal.backends.EndpointBackend`."""

    def __init__(self, settings: RehearsalSettings, timing: Timing | None = None):
        self._settings = settings
        self._timing = timing or Timing()
        self._folder = settings.state / "endpoints"
        self._metrics = EndpointMetrics(settings, self._timing.metrics_every)
        self._lock = threading.Lock()
        self._closing = False
        self._endpoints: dict[str, _Endpoint] = {}
        self._threads: set[threading.Thread] = set()
        self._fleets: set[Fleet] = set()
        # What a rehearsal that was killed left.
        shutil.rmtree(self._folder, ignore_errors=True)

    def deploy(
        self,
        endpoint_name: str,
        configuration: Configuration,
        deployment: DeploymentConfig,
        change: Change,
    ) -> None:
        """See `rehearsal.backends.EndpointBackend`."""
        folder = self._folder / endpoint_name / secrets.token_hex(4)
        fleet = Fleet(
            self._settings, endpoint_name, configuration, folder, self._metrics, self._timing
        )
        role_arn = configuration.variants[0].role_arn
        role = aws.Role(self._settings, role_arn, "SageMaker-deployment")
        with self._lock:
            self._fleets.add(fleet)
            endpoint = self._endpoints.setdefault(endpoint_name, _Endpoint(Traffic(endpoint_name)))
            if endpoint.rollout:
                endpoint.rollout.cancel()
            endpoint.rollout = Rollout(
                endpoint.traffic,
                fleet,
                deployment,
                RollbackAlarms(deployment.alarms, role),
                change,
                self._retire,
                self._timing.alarms_every,
                self._settings.modes.shorter_waits,
            )
        self._in_background(endpoint, endpoint.rollout.run)

    def change_capacity(
        self, endpoint_name: str, capacities: Mapping[str, Capacity], change: Change
    ) -> None:
        """See `rehearsal.backends.EndpointBackend`."""
        with self._lock:
            endpoint = self._endpoints[endpoint_name]

        def work() -> None:
            fleet = endpoint.traffic.blue
            try:
                found = change_capacities(fleet, capacities) if fleet else {}
            except Exception as error:  # noqa: BLE001 - a fault of ours must end the wait, too
                _log.exception("The capacity of %s could not be changed.", endpoint_name)
                found = {"FailureReason": f"InternalServerError: {error}"}
            if not self._closing:
                change(found | {"EndpointStatus": "InService"})

        self._in_background(endpoint, work)

    def delete(self, endpoint_name: str) -> None:
        """See `rehearsal.backends.EndpointBackend`."""
        with self._lock:
            endpoint = self._endpoints.pop(endpoint_name, None)
        if endpoint is None:
            return
        if endpoint.rollout:
            endpoint.rollout.cancel()
        if fleet := endpoint.traffic.close():
            # Not in its turn: an update that bakes must not hold it.
            self._in_background(_Endpoint(endpoint.traffic), self._retire, fleet)

    def invoke(
        self,
        endpoint_name: str,
        body: bytes,
        headers: Mapping[str, str],
        timeout_seconds: float = INVOCATION_SECONDS,
    ) -> Response:
        """See `rehearsal.backends.EndpointBackend`."""
        request = Request(body, headers, timeout_seconds)
        with self._lock:
            endpoint = self._endpoints.get(endpoint_name)
        if endpoint is None:
            raise unavailable(endpoint_name)
        fleet = endpoint.traffic.enter(timeout_seconds)
        try:
            return fleet.invoke(request)
        finally:
            fleet.in_flight.leave()

    def close(self) -> None:
        """See `rehearsal.backends.EndpointBackend`."""
        with self._lock:
            self._closing = True
            fleets = list(self._fleets)
            threads = list(self._threads)
            for endpoint in self._endpoints.values():
                if endpoint.rollout:
                    endpoint.rollout.cancel()
            self._endpoints.clear()
        for fleet in fleets:
            fleet.kill()
        for thread in threads:
            thread.join()
        self._metrics.close()

    def _retire(self, fleet: Fleet) -> None:
        fleet.in_flight.wait()
        fleet.stop()
        with self._lock:
            self._fleets.discard(fleet)

    def _in_background(
        self, endpoint: _Endpoint, work: Callable[..., None], *arguments: object
    ) -> None:
        def run() -> None:
            try:
                with endpoint.turn:
                    work(*arguments)
            finally:
                with self._lock:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=run, daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()
