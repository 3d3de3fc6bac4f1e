"""Two functions at once, at each call at which one can be overtaken; and one that dies there."""

import pytest

from tests.functions.starter.checks import check_nothing_is_lost, check_nothing_is_twice
from tests.functions.starter.world import worlds_by_call


def the_same_event_comes_again(world):
    world.deliver()


def another_drop_comes(world):
    world.drop("b")
    world.deliver(-1)


def the_drop_changes(world):
    world.drop("a", "other content")
    world.deliver(-1)


def the_run_ends(world):
    world.tick()
    world.end(0, "Succeeded")
    world.tick()


def the_run_fails_and_is_retried(world):
    world.tick()
    world.end(0, "Failed")
    world.tick()
    world.retry(0)


def the_run_fails_and_the_marker_is_written_again(world):
    world.tick()
    world.end(0, "Failed")
    world.tick()
    world.drop("a")
    world.deliver(-1)


def the_run_ends_and_the_drop_changes(world):
    the_run_ends(world)
    the_drop_changes(world)


def two_more_runs_begin_and_end(world):
    for drop_id in ("b", "c"):
        the_run_ends(world)
        world.drop(drop_id)
        world.deliver(-1)


MEANWHILE = [
    the_same_event_comes_again,
    another_drop_comes,
    the_drop_changes,
    the_run_ends,
    the_run_fails_and_is_retried,
    the_run_fails_and_the_marker_is_written_again,
    the_run_ends_and_the_drop_changes,
    two_more_runs_begin_and_end,
]


@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_a_function_that_is_overtaken_at_any_call_neither_loses_nor_doubles(drops_table, meanwhile):
    for call, world in worlds_by_call(drops_table):
        world.drop("a")
        world.deliver(again=True, sleeps_at=call)
        meanwhile(world)
        world.wake()
        world.settle()
        check_nothing_is_lost(world)
        check_nothing_is_twice(world)


@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_so_does_the_end_of_an_execution_that_is_overtaken(drops_table, meanwhile):
    for call, world in worlds_by_call(drops_table):
        world.drop("a")
        world.deliver()
        world.drop("d")
        world.deliver(-1)
        world.end(0, "Failed")
        world.deliver(-1, sleeps_at=call)
        meanwhile(world)
        world.wake()
        world.settle()
        check_nothing_is_lost(world)
        check_nothing_is_twice(world)


@pytest.mark.parametrize("dies", ["before the call", "after it"])
def test_a_function_that_dies_at_any_call_neither_loses_nor_doubles_a_run(drops_table, dies):
    for call, world in worlds_by_call(drops_table):
        world.drop("a")
        world.deliver(dies_at=call if dies == "before the call" else -call)
        world.sagemaker.forgets = True  # it promises no time for which it knows a token
        world.settle()
        check_nothing_is_lost(world)
        check_nothing_is_twice(world)
        assert len(world.runs) == 1


def test_what_a_slow_function_saw_before_replaces_nothing_newer(drops_table):
    """Its run had just begun when it fell asleep, right before it would have noted that."""
    states = set()
    for call, world in worlds_by_call(drops_table):
        world.drop("a")
        world.deliver(sleeps_at=call)
        if world.runs and world.sagemaker.executions:
            the_run_ends(world)
            world.wake()
            states.add((world.state("a"), world.runs[0].status))
    assert states == {("Succeeded", "Succeeded")}
