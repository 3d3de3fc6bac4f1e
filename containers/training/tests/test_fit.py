"""What workers compute together."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from jobs import PACKAGE, paths

from training.launch import rendezvous
from training.launch.cluster import Addresses, Cluster
from training.launch.launcher import variables


def run(folder: Path, workers: int) -> list[np.ndarray]:
    """The weights of each rank after one step of `mean_of_gradients.py`."""
    folder.mkdir()
    cluster = Cluster(("127.0.0.1",), "127.0.0.1")
    addresses = Addresses("127.0.0.1", "127.0.0.1", "lo")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    places = rendezvous.slots(cluster, workers)
    with rendezvous.held_by_leader(cluster, places, port):
        processes = [
            subprocess.Popen(
                [sys.executable, str(PACKAGE / "tests" / "mean_of_gradients.py"), str(folder)],
                env=os.environ | variables(place, addresses, port) | {"PYTHONPATH": paths()},
            )
            for place in places
        ]
        try:
            assert [process.wait(timeout=120) for process in processes] == [0] * workers
        finally:
            for process in processes:
                process.kill()
    return [np.load(folder / f"after-{rank}.npy") for rank in range(workers)]


def test_a_step_of_two_workers_is_the_step_of_one_on_all_their_records(tmp_path):
    (alone,) = run(tmp_path / "one", 1)
    both = run(tmp_path / "both", 2)

    before = np.load(tmp_path / "one" / "before-0.npy")
    assert np.abs(alone - before).max() > 1e-4
    for weights in both:
        assert weights == pytest.approx(alone, rel=1e-4)
