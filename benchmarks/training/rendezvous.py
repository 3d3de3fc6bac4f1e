"""Holds our launcher's rendezvous while its input is open, and prints what each worker is given.

Usage: python -m benchmarks.training.rendezvous WORKERS
"""

from __future__ import annotations

import json
import sys

from benchmarks.training.turns import free_port
from training.launch import rendezvous
from training.launch.cluster import Cluster
from training.launch.launcher import variables


def main(workers: int) -> None:
    cluster = Cluster(("127.0.0.1",), "127.0.0.1", "lo")
    places = rendezvous.slots(cluster, workers)
    port = free_port()
    with rendezvous.held_by_leader(cluster, places, port):
        print(json.dumps([variables(place, cluster, port) for place in places]), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
