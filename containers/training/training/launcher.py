"""Starts this host's workers and watches them: no SSH, no MPI, the same on one host and on many."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from types import FrameType

from horovod.runner.common.util.hosts import SlotInfo

from training import rendezvous
from training.cluster import Cluster, read_cluster
from training.errors import UserError, explain_failure
from training.folders import Folders
from training.settings import read_settings

GRACE_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1

logger = logging.getLogger(__name__)


def launch(folders: Folders, port: int = rendezvous.PORT) -> int:
    """Runs the job's part on this host; gives the exit code.

    What went wrong stands in `output/failure`: the first worker's traceback, or a sentence.
    """
    try:
        settings = read_settings(folders.config / "hyperparameters.json")
        cluster = read_cluster(folders.config / "resourceconfig.json")
        places = rendezvous.slots(cluster, settings.workers_per_host)
        with rendezvous.held_by_leader(cluster, places, port):
            rendezvous.wait_for_leader(cluster, port)
            return _run_workers(cluster, places, folders, port)
    except UserError as error:
        logger.error("%s", error)
        explain_failure(folders.failure, str(error))
        return 1


def _run_workers(cluster: Cluster, places: list[SlotInfo], folders: Folders, port: int) -> int:
    mine = [place for place in places if place.hostname == cluster.current_host]
    workers = {place.rank: _start(place, cluster, folders, port) for place in mine}
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _watch(workers, folders)
    except InterruptedError:
        logger.info("SIGTERM: the workers of %s end.", cluster.current_host)
        return 128 + signal.SIGTERM
    finally:
        signal.signal(signal.SIGTERM, previous)
        _end(list(workers.values()))


def _start(
    place: SlotInfo, cluster: Cluster, folders: Folders, port: int
) -> subprocess.Popen[bytes]:
    cores = len(os.sched_getaffinity(0))
    environment = os.environ | {
        "HOROVOD_RANK": str(place.rank),
        "HOROVOD_SIZE": str(place.size),
        "HOROVOD_LOCAL_RANK": str(place.local_rank),
        "HOROVOD_LOCAL_SIZE": str(place.local_size),
        "HOROVOD_CROSS_RANK": str(place.cross_rank),
        "HOROVOD_CROSS_SIZE": str(place.cross_size),
        "HOROVOD_HOSTNAME": place.hostname,
        "HOROVOD_CONTROLLER": "gloo",
        "HOROVOD_CPU_OPERATIONS": "gloo",
        "HOROVOD_GLOO_RENDEZVOUS_ADDR": cluster.leader,
        "HOROVOD_GLOO_RENDEZVOUS_PORT": str(port),
        "HOROVOD_GLOO_IFACE": cluster.network_interface,
        "TF_NUM_INTRAOP_THREADS": str(max(1, cores // place.local_size)),
        "TF_NUM_INTEROP_THREADS": "2",
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "training.train", str(folders.root)],
        env=environment,
        stdin=subprocess.DEVNULL,
        preexec_fn=_die_with_parent,
    )


def _watch(workers: dict[int, subprocess.Popen[bytes]], folders: Folders) -> int:
    """0 once all workers ended well, else 1 as soon as one did not."""
    while True:
        codes = {rank: worker.poll() for rank, worker in workers.items()}
        failed = {rank: code for rank, code in codes.items() if code}
        if failed:
            rank, code = next(iter(failed.items()))
            reason = _reason(rank, code)
            logger.error("%s", reason)
            explain_failure(folders.failure, reason)
            return 1
        if all(code == 0 for code in codes.values()):
            return 0
        time.sleep(0.1)


def _reason(rank: int, code: int) -> str:
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
    return f"The worker of rank {rank} {how}: look into its host's log."


def _end(workers: list[subprocess.Popen[bytes]]) -> None:
    for worker in workers:
        worker.terminate()
    end = time.monotonic() + GRACE_SECONDS
    for worker in workers:
        try:
            worker.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise InterruptedError


def _die_with_parent() -> None:
    """A launcher that is killed takes its workers along."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
