"""Starts this host's workers and watches them: no SSH, no MPI, the same on one host and on many."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time

from horovod.runner.common.util.hosts import SlotInfo

from training import rendezvous
from training.cluster import Cluster, read_cluster
from training.errors import LOST_PEERS, Stopped, UserError, explain_failure
from training.folders import Folders
from training.roll_call import SILENCE_SECONDS, RollCall
from training.settings import read_settings
from training.stopping import Stop

_GRACE_SECONDS = 10.0
# Longer than it takes to notice a host that vanished.
_REASON_SECONDS = SILENCE_SECONDS + 3.0

logger = logging.getLogger(__name__)

Workers = dict[int, subprocess.Popen[bytes]]
"""Rank to process."""


def launch(folders: Folders, port: int = rendezvous.PORT) -> int:
    """Runs the job's part on this host; gives the exit code.

    What went wrong stands in `output/failure`: the first worker's traceback, or a sentence.
    """
    stop = Stop()
    stop.listen()
    try:
        settings = read_settings(folders.config / "hyperparameters.json")
        cluster = read_cluster(folders.config / "resourceconfig.json")
        places = rendezvous.slots(cluster, settings.workers_per_host)
        with rendezvous.held_by_leader(cluster, places, port):
            roll_call = RollCall(cluster, stop, port)
            roll_call.gather()
            mine = [place for place in places if place.hostname == cluster.current_host]
            ranks = ", ".join(str(place.rank) for place in mine)
            logger.info("%s runs rank %s of %d.", cluster.current_host, ranks, len(places))
            workers = {place.rank: _start(place, cluster, folders, port) for place in mine}
            _take_part(workers, folders, stop, roll_call)
    except UserError as error:
        logger.error("%s", error)
        explain_failure(folders.failure, str(error))
        return 1
    except Stopped:
        logger.info("The job was asked to stop, and its workers on this host ended.")
        return 128 + signal.SIGTERM
    return 0


def _take_part(workers: Workers, folders: Folders, stop: Stop, roll_call: RollCall) -> None:
    try:
        _watch(workers, stop, roll_call)
    except UserError as error:
        _end(workers)
        roll_call.leave("failed", _last_line(folders) or str(error))
        raise
    except Stopped:
        _end(workers)
        roll_call.leave("stopped")
        raise
    finally:
        _end(workers)
    roll_call.leave("ended")


def variables(place: SlotInfo, cluster: Cluster, port: int) -> dict[str, str]:
    """What a worker's environment has beside the launcher's own.

    The names are those of Horovod's own launcher, `horovod/runner/gloo_run.py`.
    """
    cores = len(os.sched_getaffinity(0))
    return {
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
        # Between the first worker that has imported TensorFlow and the last one.
        "HOROVOD_GLOO_TIMEOUT_SECONDS": "120",
        "TF_NUM_INTRAOP_THREADS": str(max(1, cores // place.local_size)),
        "TF_NUM_INTEROP_THREADS": "2",
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
    }


def _start(
    place: SlotInfo, cluster: Cluster, folders: Folders, port: int
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "training.worker", str(folders.root), str(os.getpid())],
        env=os.environ | variables(place, cluster, port),
        stdin=subprocess.DEVNULL,
    )


def _watch(workers: Workers, stop: Stop, roll_call: RollCall) -> None:
    """Returns once all workers ended well.

    :raises UserError: a worker failed, here or on another host.
    :raises Stopped: the job was asked to stop.
    """
    lost_at: float | None = None
    while True:
        codes = {rank: worker.poll() for rank, worker in workers.items()}
        for rank, code in codes.items():
            if code not in (None, 0, LOST_PEERS):
                raise UserError(_reason(rank, code))
        if all(code == 0 for code in codes.values()):
            return
        roll_call.answer()
        if LOST_PEERS in codes.values():
            # Whoever was lost knows why: its host tells in a moment, or has vanished.
            lost_at = lost_at or time.monotonic()
            if time.monotonic() - lost_at > _REASON_SECONDS:
                raise UserError(
                    "Horovod's operations failed on all workers and no one said why: the log has "
                    "the traceback."
                )
        stop.pause(0.1)


def _reason(rank: int, code: int) -> str:
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
    return f"The worker of rank {rank} {how}: look into its host's log."


def _last_line(folders: Folders) -> str:
    """What a worker of this host said when it failed, without the traceback."""
    try:
        return folders.failure.read_text(encoding="utf-8").strip().splitlines()[-1]
    except (OSError, IndexError):
        return ""


def _end(workers: Workers) -> None:
    for worker in workers.values():
        worker.terminate()
    end = time.monotonic() + _GRACE_SECONDS
    for worker in workers.values():
        try:
            worker.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
