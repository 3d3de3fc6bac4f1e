"""Where a job's hosts and workers find each other, on the first host, at a fixed port.

Workers by Horovod's Gloo rendezvous. Launchers by a roll call: who is there, who ended, who failed
and why. Each keeps one entry in the rendezvous' key-value store and reads those of the others. So a
host that fails ends all of them, with its reason, and one that vanishes is noticed.
"""

import http.client
import json
import logging
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from horovod.runner.common.util.hosts import HostInfo, SlotInfo, get_host_assignments
from horovod.runner.http.http_server import RendezvousHandler, RendezvousHTTPServer

from training.common.container import Stop, Stopped, UserError
from training.launch.cluster import PATIENCE_SECONDS, Cluster

PORT = 29400


def slots(cluster: Cluster, workers_per_host: int) -> list[SlotInfo]:
    """Every worker's place, in the order of ranks."""
    hosts = [HostInfo(host, workers_per_host) for host in cluster.hosts]
    count = len(hosts) * workers_per_host
    found: list[SlotInfo] = get_host_assignments(hosts, count, count)
    return found


class _Handler(RendezvousHandler):  # type: ignore[misc]
    """Horovod's, and `GET /<scope>/` for all of a scope, whose values are JSON, in one answer."""

    def _get_value(self, scope: str, key: str) -> bytes | None:
        if key:
            value: bytes | None = super()._get_value(scope, key)
            return value
        with self.server.cache_lock:
            entries = dict(self.server.cache.get(scope, {}))
        return json.dumps({name: json.loads(entry) for name, entry in entries.items()}).encode()


class _Server(RendezvousHTTPServer):  # type: ignore[misc]
    # All hosts and workers come at once.
    request_queue_size = 1024

    def server_bind(self) -> None:
        """Without the look-up of a name for the address, which waits where there is no DNS."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


@contextmanager
def held_by_leader(
    cluster: Cluster, places: list[SlotInfo], port: int = PORT, address: str | None = None
) -> Iterator[None]:
    """Serves the rendezvous while the block runs, on the leading host; elsewhere does nothing.

    Args:
        address: where the other hosts look for it, and nowhere else; that of the leader's name
            where it is left out.

    Raises:
        UserError: the address can't be listened on.
    """
    if not cluster.leads:
        yield
        return
    try:
        server = _Server((address or cluster.leader, port), _Handler, False)
    except OSError as error:
        raise UserError(
            f"The rendezvous cannot listen on {cluster.leader}:{port}: {error.strerror}."
        ) from error
    server.init(places)
    thread = threading.Thread(target=server.serve_forever, name="rendezvous", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


State = Literal["running", "ended", "failed", "stopped"]

SILENCE_SECONDS = 15.0
"""How long a host may say nothing."""
_BEAT_SECONDS = 1.0
_TIMEOUT_SECONDS = 5.0
_SCOPE = "launchers"

logger = logging.getLogger(__name__)


@dataclass
class _Entry:
    state: State
    reason: str
    beat: int
    seen: float

    @property
    def is_silent(self) -> bool:
        return time.monotonic() - self.seen > SILENCE_SECONDS


class RollCall:
    """One host's view of the others; `answer` is called again and again while workers run.

    Attributes:
        leader: the leader's address, so that no name has to be looked up again while the job runs;
            its name where it is left out.
    """

    def __init__(
        self, cluster: Cluster, stop: Stop, port: int = PORT, leader: str | None = None
    ) -> None:
        self._cluster = cluster
        self._leader = leader or cluster.leader
        self._stop = stop
        self._port = port
        self._beat = 0
        self._next = 0.0
        self._answered = time.monotonic()
        self._others: dict[str, _Entry] = {}

    def gather(self, patience: float = PATIENCE_SECONDS) -> None:
        """Waits so many seconds for every host of the job, so that no worker waits for a late one.

        Raises:
            UserError: one isn't in time.
        """
        end = time.monotonic() + patience
        logged: list[str] = []
        while missing := self._missing():
            if missing != logged:
                logged = missing
                logger.info("%s waits for %s.", self._cluster.current_host, ", ".join(missing))
            if time.monotonic() > end:
                raise UserError(
                    f"{self._cluster.current_host} waited {patience:.0f} s for "
                    f"{', '.join(missing)} at {self._cluster.leader}:{self._port}: look into the "
                    "logs of those hosts."
                )
            self._stop.pause(0.2)
        self._answered = time.monotonic()

    def answer(self) -> None:
        """Says that this host is alive, about once a second, and looks at the others.

        Raises:
            UserError: another host failed or vanished.
            Stopped: another host was asked to stop.
        """
        now = time.monotonic()
        if len(self._cluster.hosts) == 1 or now < self._next:
            return
        self._next = now + _BEAT_SECONDS
        try:
            self._exchange("running")
            self._answered = now
        except (OSError, http.client.HTTPException) as error:
            if now - self._answered > SILENCE_SECONDS:
                raise UserError(
                    f"{self._cluster.leader} answers no more ({error}): look into its log."
                ) from error
        for host, entry in self._others.items():
            _check(host, entry)

    def leave(self, state: State, reason: str = "") -> None:
        """Tells the others how this host ended. The leader stays until they know."""
        end = time.monotonic() + SILENCE_SECONDS
        while len(self._cluster.hosts) > 1 and time.monotonic() < end:
            try:
                self._exchange(state, reason)
            except (OSError, http.client.HTTPException) as error:
                logger.info("The other hosts cannot be told: %s.", error)
                return
            if not self._cluster.leads or self._all_left():
                return
            time.sleep(0.2)

    def _all_left(self) -> bool:
        return all(entry.state != "running" or entry.is_silent for entry in self._others.values())

    def _missing(self) -> list[str]:
        try:
            self._exchange("running")
        except (OSError, http.client.HTTPException):
            return [self._cluster.leader]
        return [host for host in self._cluster.others if host not in self._others]

    def _exchange(self, state: State, reason: str = "") -> None:
        self._beat += 1
        entry = {"state": state, "reason": reason, "beat": self._beat}
        self._request("PUT", self._cluster.current_host, json.dumps(entry).encode())
        # All in one answer: one request a host and second would be their number squared.
        entries = json.loads(self._request("GET", "") or "{}")
        for host in self._cluster.others:
            if host in entries:
                self._remember(host, entries[host])

    def _remember(self, host: str, content: dict[str, object]) -> None:
        entry = _Entry(**content, seen=time.monotonic())  # type: ignore[arg-type]
        known = self._others.get(host)
        if known is None or known.beat != entry.beat:
            self._others[host] = entry

    def _request(self, method: str, host: str, body: bytes | None = None) -> bytes | None:
        connection = http.client.HTTPConnection(self._leader, self._port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request(method, f"/{_SCOPE}/{host}", body)
            response = connection.getresponse()
            content = response.read()
            return content if response.status == http.client.OK else None
        finally:
            connection.close()


def _check(host: str, entry: _Entry) -> None:
    if entry.state == "failed":
        raise UserError(f"{host} failed: {entry.reason}")
    if entry.state == "stopped":
        raise Stopped
    if entry.state == "running" and entry.is_silent:
        raise UserError(
            f"{host} has said nothing for {SILENCE_SECONDS:.0f} s: its machine or its launcher is "
            "gone, look into its log."
        )
