"""Scaling on paper: a step's time on many workers, from what was measured on two.

What of an allreduce lies behind the backward pass costs nothing; the rest adds to the step.
"""

import statistics
from dataclasses import dataclass

from infra.costs.durations import Machine, allreduce_seconds


@dataclass(frozen=True)
class Network:
    """What is trained.

    Attributes:
        gradient_bytes: of all gradients.
        seconds_per_image: of a worker's step without communication, by image.
        overlap: share of that time behind which communication can hide. 0 where the gradients
            travel in one bucket, as they do up to 25 MB.
    """

    gradient_bytes: float
    seconds_per_image: float
    overlap: float = 0.0


def efficiency(network: Network, batch: int, workers: int, machine: Machine) -> float:
    """Speed of `workers` against as many that don't communicate, 0 to 1."""
    computing = batch * network.seconds_per_image
    hidden = network.overlap * computing
    communicating = allreduce_seconds(network.gradient_bytes, workers, machine)
    return computing / (computing + max(0.0, communicating - hidden))


def least_batch(network: Network, workers: int, machine: Machine, wanted: float = 0.5) -> int:
    """The smallest batch a worker at which efficiency is at least `wanted`.

    At one half, twice the workers are as fast as half of them: more stop paying.
    """
    communicating = allreduce_seconds(network.gradient_bytes, workers, machine)
    needed = communicating / (1 / wanted - 1 + network.overlap)
    return max(1, -int(-needed // network.seconds_per_image))


def fitted(measured: dict[float, float]) -> Machine:
    """Latency and bandwidth from the allreduce's seconds on two workers, by its bytes."""
    slope, intercept = statistics.linear_regression(list(measured), list(measured.values()))
    # On two workers: two latencies, and each byte once.
    return Machine("this machine", max(0.0, intercept) / 2, 1 / slope)
