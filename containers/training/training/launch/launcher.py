"""Starts this host's workers and watches them: no SSH, no MPI, the same on one host and on many."""

import logging
import os
import signal
import subprocess
import sys
import time

from horovod.runner.common.util.hosts import SlotInfo

from training.common.container import LOST_PEERS, STOPPED, Stop, Stopped, UserError, explain_failure
from training.launch import rendezvous
from training.launch.cluster import Addresses, Program, find_addresses, read_cluster
from training.launch.rendezvous import SILENCE_SECONDS, RollCall

IDLE_MILLISECONDS = 50
"""Longest sleep of Horovod's thread, which wakes by itself when there is a tensor to reduce.

`horovod_patch.py` makes it so; docs/training.md has what it saves.
"""


def variables(place: SlotInfo, addresses: Addresses, port: int) -> dict[str, str]:
    """Horovod's and TensorFlow's variables of the worker at `place`.

    The names are those of Horovod's own launcher, `horovod/runner/gloo_run.py`, and
    HOROVOD_GLOO_ADDRESS, see `horovod_patch.py`.
    """
    cores = len(os.sched_getaffinity(0))
    threads = max(1, cores // place.local_size)
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
        "HOROVOD_GLOO_RENDEZVOUS_ADDR": addresses.leader,
        "HOROVOD_GLOO_RENDEZVOUS_PORT": str(port),
        "HOROVOD_GLOO_ADDRESS": addresses.own,
        "HOROVOD_GLOO_IFACE": addresses.interface,
        # Left to itself NCCL may take an interface that no other host reaches. "=": no prefix.
        "NCCL_SOCKET_IFNAME": os.environ.get("NCCL_SOCKET_IFNAME", f"={addresses.interface}"),
        # Between the first worker that has imported TensorFlow and the last one.
        "HOROVOD_GLOO_TIMEOUT_SECONDS": "120",
        "HOROVOD_CYCLE_TIME": os.environ.get("HOROVOD_CYCLE_TIME", str(IDLE_MILLISECONDS)),
        "TF_NUM_INTRAOP_THREADS": str(threads),
        # More threads than cores take turns in the middle of a step.
        "TF_NUM_INTEROP_THREADS": str(min(2, threads)),
        # Large tensors on huge pages: fewer faults and misses. No effect before glibc 2.35.
        "GLIBC_TUNABLES": os.environ.get("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"),
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
    }


# A worker that is asked to stop ends its step and writes a checkpoint; SageMaker kills after 120 s.
STOP_SECONDS = 100.0
_KILL_SECONDS = 5.0
# Longer than it takes to notice a host that vanished.
_REASON_SECONDS = SILENCE_SECONDS + 3.0

logger = logging.getLogger(__name__)

Workers = dict[int, subprocess.Popen[bytes]]
"""Rank to process."""


def launch(program: Program, port: int = rendezvous.PORT) -> int:
    """Runs the job's part on this host; gives the exit code.

    What went wrong stands in the failure file: the first worker's traceback, or a sentence.
    """
    stop = Stop()
    stop.listen()
    try:
        cluster = read_cluster(program.resource_config)
        places = rendezvous.slots(cluster, program.workers_per_host)
        addresses = find_addresses(cluster, stop)
        with rendezvous.held_by_leader(cluster, places, port, addresses.leader):
            roll_call = RollCall(cluster, stop, port, addresses.leader)
            roll_call.gather()
            mine = [place for place in places if place.hostname == cluster.current_host]
            ranks = ", ".join(str(place.rank) for place in mine)
            logger.info("%s runs rank %s of %d.", cluster.current_host, ranks, len(places))
            workers = {
                place.rank: _start(program, variables(place, addresses, port)) for place in mine
            }
            _take_part(workers, program, stop, roll_call)
    except UserError as error:
        logger.error("%s", error)
        explain_failure(program.failure, str(error))
        return 1
    except Stopped:
        logger.info("The job was asked to stop, and its workers on this host ended.")
        return STOPPED
    return 0


def _take_part(workers: Workers, program: Program, stop: Stop, roll_call: RollCall) -> None:
    try:
        _watch(workers, stop, roll_call)
    except UserError as error:
        _end(workers, _KILL_SECONDS)
        roll_call.leave("failed", _last_line(program) or str(error))
        raise
    except Stopped:
        _stop(workers, roll_call)
        roll_call.leave("stopped")
        raise
    finally:
        _end(workers, 0.0)
    roll_call.leave("ended")


def _start(program: Program, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    module, root, failure = program.module, str(program.root), str(program.failure)
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "training.launch.worker"),
            *(module, root, failure, str(os.getpid())),
        ],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
    )


def _watch(workers: Workers, stop: Stop, roll_call: RollCall) -> None:
    """Returns once all workers ended well.

    Raises:
        UserError: a worker failed, here or on another host.
        Stopped: the job was asked to stop, here or on another host.
    """
    lost_at: float | None = None
    while True:
        codes = {rank: worker.poll() for rank, worker in workers.items()}
        for rank, code in codes.items():
            if code not in (None, 0, LOST_PEERS, STOPPED):
                raise UserError(_reason(rank, code))
        if all(code == 0 for code in codes.values()):
            return
        if STOPPED in codes.values():
            raise Stopped
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


def _stop(workers: Workers, roll_call: RollCall) -> None:
    """Asks the workers to stop and waits: all of them, on all hosts, end after the same step."""
    for worker in workers.values():
        worker.terminate()
    end = time.monotonic() + STOP_SECONDS
    while any(worker.poll() is None for worker in workers.values()) and time.monotonic() < end:
        try:
            roll_call.answer()
        except Stopped:
            # Another host is through: whoever is left here has nobody to agree with.
            end = min(end, time.monotonic() + _KILL_SECONDS)
        except UserError as error:
            logger.error("%s", error)
            return
        time.sleep(0.1)


def _end(workers: Workers, seconds: float) -> None:
    """SIGTERM, and SIGKILL after `seconds` for those that are left."""
    end = time.monotonic() + seconds
    for worker in workers.values():
        if worker.poll() is None and seconds:
            worker.terminate()
    for worker in workers.values():
        try:
            worker.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def _reason(rank: int, code: int) -> str:
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
    return f"The worker of rank {rank} {how}: look into its host's log."


def _last_line(program: Program) -> str:
    """What a worker of this host said when it failed, without the traceback."""
    try:
        return program.failure.read_text(encoding="utf-8").strip().splitlines()[-1]
    except (OSError, IndexError):
        return ""
