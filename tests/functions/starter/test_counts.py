"""How many runs a thousand events come to."""

import random

from tests.functions.starter.checks import check_nothing_is_lost, check_nothing_is_twice
from tests.functions.starter.world import World


def deliver(world, events):
    world.post[:] = events
    while world.post:
        world.deliver()


def test_a_thousand_events_during_a_run_are_one_run_after_it(drops_table):
    world, chance = World(drops_table), random.Random(1)
    world.drop("first")
    deliver(world, world.post)
    drop_ids = [f"d{number}" for number in range(250)]
    for drop_id in drop_ids:
        world.drop(drop_id)
    sent, asked = world.post[-250:], world.asked
    deliver(world, chance.sample(sent * 4, 1000))  # each four times, in any order

    assert [run.drop_id for run in world.runs] == ["first"]
    assert world.asked == asked, "SageMaker was asked though a run goes on"
    world.end(0, "Succeeded")
    world.settle()
    assert [run.drop_id for run in world.runs] == ["first", "d249"]
    assert set(world.runs[1].drops) == set(drop_ids)
    assert set(world.states().values()) == {"Succeeded"}


def test_a_thousand_events_over_ten_runs_are_one_run_more_for_each_that_found_drops(drops_table):
    world, chance = World(drops_table), random.Random(2)
    sent = []
    world.drop("first")
    for wave in range(10):
        deliver(world, world.post)
        for number in range(20):
            world.drop(f"w{wave}-{number}")
        sent += world.post
        late_and_twice = chance.choices(sent, k=80)
        deliver(world, chance.sample([*world.post, *late_and_twice], 100))
        world.end(0, "Succeeded")
    world.settle()
    assert [len(run.drops) for run in world.runs] == [1, *[20] * 10]
    check_nothing_is_lost(world)
    check_nothing_is_twice(world)


def test_beyond_a_days_executions_only_a_person_lets_the_next_run_begin(drops_table):
    world = World(drops_table, a_day=2)
    for drop_id in ("a", "b", "c", "d"):
        world.drop(drop_id)
        deliver(world, world.post)
        world.end(0, "Succeeded")
        deliver(world, world.post)
    assert [run.drop_id for run in world.runs] == ["a", "b"]
    assert (world.state("c"), world.state("d")) == ("Waiting", "Waiting")

    world.release("anna")
    world.release("bert")
    assert [(run.drop_id, run.released_by) for run in world.runs[2:]] == [("d", "anna")]
    assert set(world.runs[2].drops) == {"c", "d"}
    world.drop("e")
    deliver(world, world.post)
    world.end(0, "Succeeded")
    deliver(world, world.post)
    assert world.state("e") == "Waiting"
    world.a_day_passes()
    world.tick()
    assert [(run.drop_id, run.released_by) for run in world.runs[3:]] == [("e", "")]


def test_drift_has_one_run_a_package_and_waits_as_drops_do(drops_table):
    world = World(drops_table)
    world.drop("a")
    deliver(world, world.post)
    world.drift(1)
    world.drift(1)
    deliver(world, world.post)
    assert len(world.runs) == 1
    world.end(0, "Succeeded")
    deliver(world, world.post)
    assert world.runs[1].drop_id == "drift/group/1"
    world.end(0, "Failed")
    deliver(world, world.post)
    world.drift(1)
    deliver(world, world.post)
    assert len(world.runs) == 2


def test_a_failed_runs_drops_are_covered_by_the_next_and_by_none_before(drops_table):
    world = World(drops_table)
    world.drop("bad")
    deliver(world, world.post)
    world.end(0, "Failed")
    for _ in range(3):
        world.tick()
    assert len(world.runs) == 1
    assert world.state("bad") == "Failed"
    world.drop("good")
    world.settle()
    assert world.runs[1].drop_id == "good"
    assert set(world.runs[1].drops) == {"bad", "good"}
    assert world.state("bad") == "Succeeded"


def test_a_marker_written_again_starts_a_run_only_where_something_changed(drops_table):
    world = World(drops_table)
    world.drop("a", "index")
    world.settle()
    world.drop("a", "index")
    world.settle()
    assert len(world.runs) == 1
    world.drop("a", "another index")
    world.settle()
    assert len(world.runs) == 2
    check_nothing_is_lost(world)
