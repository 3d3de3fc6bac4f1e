"""Where workers find each other: Horovod's Gloo rendezvous, on the first host, at a fixed port."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from horovod.runner.common.util.hosts import HostInfo, SlotInfo, get_host_assignments
from horovod.runner.http.http_server import RendezvousHandler, RendezvousHTTPServer

from training.cluster import Cluster
from training.errors import UserError

PORT = 29400
PATIENCE_SECONDS = 300.0


def slots(cluster: Cluster, workers_per_host: int) -> list[SlotInfo]:
    """Every worker's place, in the order of ranks."""
    hosts = [HostInfo(host, workers_per_host) for host in cluster.hosts]
    count = len(hosts) * workers_per_host
    found: list[SlotInfo] = get_host_assignments(hosts, count, count)
    return found


@contextmanager
def held_by_leader(cluster: Cluster, places: list[SlotInfo], port: int = PORT) -> Iterator[None]:
    """Serves the rendezvous while the block runs, on the leading host; elsewhere does nothing."""
    if not cluster.leads:
        yield
        return
    server = RendezvousHTTPServer(("", port), RendezvousHandler, False)
    server.init(places)
    thread = threading.Thread(target=server.serve_forever, name="rendezvous", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def wait_for_leader(
    cluster: Cluster, port: int = PORT, patience: float = PATIENCE_SECONDS
) -> None:
    """Returns once the leading host answers.

    :param patience: seconds.
    :raises UserError: it doesn't in time.
    """
    end = time.monotonic() + patience
    while True:
        try:
            with socket.create_connection((cluster.leader, port), timeout=5):
                return
        except OSError as error:
            if time.monotonic() > end:
                raise UserError(
                    f"{cluster.current_host} found no rendezvous at {cluster.leader}:{port} in "
                    f"{patience:.0f} s ({error}): look into the log of {cluster.leader}."
                ) from error
            time.sleep(0.2)
