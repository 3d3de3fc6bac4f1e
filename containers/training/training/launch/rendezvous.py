"""Where workers find each other: Horovod's Gloo rendezvous, on the first host, at a fixed port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from horovod.runner.common.util.hosts import HostInfo, SlotInfo, get_host_assignments
from horovod.runner.http.http_server import RendezvousHandler, RendezvousHTTPServer

from training.errors import UserError
from training.launch.cluster import Cluster

PORT = 29400


def slots(cluster: Cluster, workers_per_host: int) -> list[SlotInfo]:
    """Every worker's place, in the order of ranks."""
    hosts = [HostInfo(host, workers_per_host) for host in cluster.hosts]
    count = len(hosts) * workers_per_host
    found: list[SlotInfo] = get_host_assignments(hosts, count, count)
    return found


@contextmanager
def held_by_leader(cluster: Cluster, places: list[SlotInfo], port: int = PORT) -> Iterator[None]:
    """Serves the rendezvous while the block runs, on the leading host; elsewhere does nothing.

    :raises UserError: the address can't be listened on.
    """
    if not cluster.leads:
        yield
        return
    try:
        # Only where the other hosts look for it.
        address = socket.gethostbyname(cluster.leader)
        server = RendezvousHTTPServer((address, port), RendezvousHandler, False)
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
