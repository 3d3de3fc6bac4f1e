"""What a worker's environment has beside the launcher's own."""

from __future__ import annotations

import os

from horovod.runner.common.util.hosts import SlotInfo

from training.launch.addresses import Addresses

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
