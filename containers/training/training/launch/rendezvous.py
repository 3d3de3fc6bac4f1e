"""Where workers find each other: Horovod's Gloo rendezvous, on the first host, at a fixed port."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from horovod.runner.common.util.hosts import HostInfo, SlotInfo, get_host_assignments
from horovod.runner.http.http_server import RendezvousHandler, RendezvousHTTPServer

from training.common.container import UserError
from training.launch.cluster import Cluster

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
