"""The model of scaling: what it must say whatever was measured."""

import pytest

from benchmarks.training.scaling import Network, efficiency, fitted, least_batch
from infra.costs.durations import Machine, allreduce_seconds

LINK = Machine("link", latency=50e-6, bandwidth=1e9)
NETWORK = Network(gradient_bytes=2e6, seconds_per_image=1e-3)


def test_a_line_is_found_again_from_its_points():
    sizes = (1e5, 1e6, 1e7)
    machine = fitted({size: allreduce_seconds(size, 2, LINK) for size in sizes})
    assert machine.latency == pytest.approx(LINK.latency)
    assert machine.bandwidth == pytest.approx(LINK.bandwidth)


def test_more_workers_and_smaller_batches_are_less_efficient():
    by_workers = [efficiency(NETWORK, 32, workers, LINK) for workers in (1, 2, 8, 64)]
    assert by_workers[0] == 1.0
    assert by_workers == sorted(by_workers, reverse=True)
    assert efficiency(NETWORK, 128, 8, LINK) > efficiency(NETWORK, 32, 8, LINK)


def test_what_is_hidden_behind_the_backward_pass_costs_nothing():
    hidden = Network(NETWORK.gradient_bytes, NETWORK.seconds_per_image, overlap=0.5)
    assert efficiency(hidden, 128, 8, LINK) == 1.0
    assert efficiency(hidden, 8, 8, LINK) > efficiency(NETWORK, 8, 8, LINK)


@pytest.mark.parametrize("overlap", [0.0, 0.3])
def test_at_the_least_batch_half_of_the_speed_is_left(overlap):
    network = Network(20e6, 1e-3, overlap)
    least = least_batch(network, 64, LINK)
    assert efficiency(network, least, 64, LINK) >= 0.5
    assert efficiency(network, least - 1, 64, LINK) < 0.5
