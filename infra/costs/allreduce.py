"""How long workers take to add up their gradients, on paper.

A ring allreduce of G bytes over n workers takes 2 (n - 1) latencies and moves 2 (n - 1) / n x G
bytes through each worker's link (https://doi.org/10.1016/j.jpdc.2008.09.002).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """One kind of link between workers.

    Attributes:
        latency: seconds from one worker to the next.
        bandwidth: bytes/s of a worker's link.
    """

    name: str
    latency: float
    bandwidth: float


def allreduce_seconds(gradient_bytes: float, workers: int, machine: Machine) -> float:
    """Of one ring allreduce."""
    moved = 2 * (workers - 1) / workers * gradient_bytes / machine.bandwidth
    return 2 * (workers - 1) * machine.latency + moved
