"""Work on many things at once, in bounded memory."""

import threading

import pytest

from processing.common.parallel import ordered_map


def test_results_come_in_the_order_of_the_items():
    assert list(ordered_map(lambda n: n * n, range(500), 8)) == [n * n for n in range(500)]


def test_items_are_read_only_a_little_ahead_of_the_results():
    read = []
    items = (read.append(n) or n for n in range(1000))
    results = ordered_map(lambda n: n, items, 2)
    assert next(results) == 0
    assert len(read) <= 8


def test_an_error_is_raised_in_its_place_and_ends_the_work():
    begun = []

    def halve(number):
        begun.append(number)
        return 10 // (number - 3)

    results = ordered_map(halve, range(1000), 2)
    assert [next(results) for _ in range(3)] == [-4, -5, -10]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert len(begun) < 20


def test_as_many_items_as_workers_are_worked_on_at_once():
    meeting = threading.Barrier(3, timeout=20)
    assert sorted(ordered_map(lambda _: meeting.wait(), range(3), 3)) == [0, 1, 2]


def test_heavy_items_wait_for_one_another():
    read = []
    items = (read.append(n) or n for n in range(1000))
    results = ordered_map(lambda n: n, items, 4, weight=lambda n: 10, limit=25)
    assert next(results) == 0
    assert len(read) == 3


def test_an_item_heavier_than_the_limit_goes_alone():
    weights = [1, 100, 1, 1]
    results = ordered_map(lambda n: n, range(4), 2, weight=weights.__getitem__, limit=10)
    assert list(results) == [0, 1, 2, 3]
