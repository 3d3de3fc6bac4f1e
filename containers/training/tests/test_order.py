"""Each record once an epoch on one worker, whatever the numbers are and whoever goes on."""

from __future__ import annotations

import resource

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.order import Deal, Order, Rest
from training.data.places import Blocks, Layout, Permutation

KEYS = st.lists(st.integers(0, 2**31), min_size=1, max_size=3)


@given(st.integers(1, 5_000), KEYS)
def test_a_permutation_has_each_number_once(count, key):
    assert (np.sort(Permutation(count, *key)(np.arange(count))) == np.arange(count)).all()


@given(st.integers(1, 10**12), KEYS, st.data())
def test_a_number_follows_from_its_place_alone(count, key, data):
    places = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=50, unique=True))
    together = Permutation(count, *key)(np.array(places))
    assert len(set(together.tolist())) == len(places)
    assert ((together >= 0) & (together < count)).all()
    one = Permutation(count, *key)(np.array(places[-1:]))
    assert one[0] == together[-1]


def dealt(counts: list[int], owners: list[int], hosts: int, workers: int) -> list[Layout]:
    """Each rank's layout where files lie on `hosts` hosts; one host has all of them."""
    sizes = (workers,) * hosts
    return [
        Layout(np.array(counts), np.array(owners) % hosts, sizes, host, rank)
        for host in range(hosts)
        for rank in range(workers)
    ]


BLOCKS = st.none() | st.builds(Blocks, st.integers(1, 9), st.integers(1, 4))
FLEETS = st.lists(
    st.tuples(
        st.integers(1, 4),  # hosts
        st.integers(1, 3),  # workers of each
        st.integers(1, 9),  # batch size
        st.integers(0, 12),  # steps until it dies
        st.lists(st.integers(0, 3), min_size=8, max_size=8),  # which host has which file
        BLOCKS,
    ),
    min_size=1,
    max_size=4,
)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=8).filter(any), FLEETS, st.booleans())
def test_whoever_goes_on_reads_the_rest_and_nothing_twice(counts, fleets, mixed):
    """Fleets of other sizes with other files, each of which dies; the last one ends the epoch."""
    rest, seen, key = Rest(), [], (1, 7) if mixed else ()
    for number, (hosts, workers, batch_size, until, owners, blocks) in enumerate(fleets):
        layouts = dealt(counts, owners[: len(counts)], hosts, workers)
        orders = [Order(Deal(each, key, blocks), batch_size, rest) for each in layouts]
        assert len({order.steps for order in orders}) == 1
        steps = orders[0].steps
        done = steps if number == len(fleets) - 1 else min(until, steps)
        for order, layout in zip(orders, layouts, strict=True):
            mine = order.numbers(0, done)
            assert len(mine) <= done * batch_size
            files = np.searchsorted(layout.bases, mine, "right") - 1
            assert (layout.owners[files] == layout.group).all()
            seen += mine.tolist()
        shares = [order.share_read(done) for order in orders]
        assert shares == [pytest.approx(len(seen) / sum(counts))] * len(orders)
        rest = orders[0].rest(done)
    assert sorted(seen) == list(range(sum(counts)))


@given(
    st.lists(st.integers(0, 90), min_size=1, max_size=5).filter(any),
    st.integers(1, 4),
    st.integers(1, 20),
    st.integers(0, 20),
    BLOCKS,
)
def test_the_same_workers_go_on_as_if_nothing_had_been(counts, size, batch_size, steps, blocks):
    deal = Deal(Layout.replicated(counts, size - 1, size), (3,), blocks)
    whole = Order(deal, batch_size)
    done = min(steps, whole.steps)
    left = Order(deal, batch_size, whole.rest(done))
    assert whole.steps == done + left.steps
    again = [*whole.numbers(0, done), *left.numbers(0, left.steps)]
    assert again == whole.numbers(0, whole.steps).tolist()


def test_a_host_without_files_takes_steps_of_nothing():
    layouts = dealt([6], [0], 2, 1)
    first, second = (Order(Deal(each, (1,)), 2) for each in layouts)
    assert first.steps == second.steps == 3
    assert len(second.numbers(0, 3)) == len(second.fillers(2)) == 0


def test_a_worker_reads_block_after_block_and_mixes_those_of_a_window():
    deal = Deal(Layout.replicated([1_000], 0, 2), (1, 0), Blocks(records=10, window=5))
    mine = Order(deal, 1).numbers(0, 500)
    windows = mine.reshape(-1, 50)
    for window in windows:
        assert len(set(window // 10)) == 5
        assert (np.diff(window) != 1).sum() > 40
    assert len({block for window in windows for block in set(window // 10)}) == 50


def test_orders_of_few_records_are_all_as_likely():
    orders = np.array([Permutation(3, seed)(np.arange(3)) for seed in range(3_000)])
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    # The 0.999 quantile of chi squared with 5 degrees of freedom is 20.5.
    assert ((counts - 500) ** 2 / 500).sum() < 20.5


@pytest.mark.parametrize("count", [1_000, 100_000])
def test_an_order_says_nothing_of_the_one_before_nor_of_its_neighbours(count):
    places = np.arange(count)
    one, other = Permutation(count, 1, 0)(places), Permutation(count, 1, 1)(places)
    # 4 standard deviations of the correlation of independent orders.
    most = 4 / np.sqrt(count)
    assert abs(np.corrcoef(places, one)[0, 1]) < most
    assert abs(np.corrcoef(one, other)[0, 1]) < most
    assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < most


def test_a_hundred_million_records_take_no_more_memory_than_a_hundred_thousand():
    def grown_by(count: int) -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        order = Order(Deal(Layout.replicated([count], 0, 8), (1, 1)), 32)
        for step in range(0, order.steps, max(1, order.steps // 50)):
            order.numbers(step, 100)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    grown_by(100_000)
    assert grown_by(100_000_000) < 4 * 1024
