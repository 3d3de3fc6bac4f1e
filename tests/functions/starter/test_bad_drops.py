"""Drops that a run cannot use: they alone wait for a person."""

import pytest

from functions.starter import names
from tests.functions.starter.world import World, worlds_by_call


def deliver(world):
    while world.post:
        world.deliver()


def dataset(used=(), unused=()):
    return {
        "included_drops": [{"id": drop_id, "objects": 3} for drop_id in used],
        "unused_drops": [{"id": drop_id, "reason": "It is bad."} for drop_id in unused],
    }


def succeed(world, **made):
    """The newest execution, with what it made of its drops."""
    execution = world.sagemaker.executions[-1]
    world.datasets[execution.arn.rpartition("/")[2]] = dataset(**made)
    world.sagemaker.end(execution, "Succeeded")
    deliver(world)


BAD_IDS = [
    "batch (2)",
    "batch1\n",
    "2024w48\r",
    "-2024w48",
    "--help",
    ".hidden",
    "..",
    "",
    "a" * 64,
    "é",
    "x,y #3 a;b",
    "it's 50%",
    "日本",
    "\N{SLIGHTLY SMILING FACE}",
    " a",
]


@pytest.mark.parametrize("drop_id", BAD_IDS)
@pytest.mark.parametrize("told_by", ["event", "schedule"])
def test_an_id_that_does_not_fit_is_refused_on_record_and_others_go_on(
    drops_table, drop_id, told_by
):
    world = World(drops_table)
    world.drop(drop_id)
    if told_by == "schedule":
        world.post.clear()
        world.tick()
    deliver(world)
    key = f"drops/{drop_id}/_SUCCESS"
    assert world.states() == {key: "Refused"}
    assert names.DROP_ID_IN_WORDS in world.reason(key)
    world.tick()
    assert world.runs == []

    world.drop("good")
    deliver(world)
    assert [run.drops for run in world.runs] == [{"good": 1}]


@pytest.mark.parametrize("drop_id", ["a", "2024-11-30T10.00_x", "A" * 63, "0", "a..b", "a-"])
def test_an_id_that_fits_has_its_run(drops_table, drop_id):
    world = World(drops_table)
    world.drop(drop_id)
    deliver(world)
    assert world.sagemaker.executions[0].drop_id == drop_id


@pytest.mark.parametrize("key", ["drops/_SUCCESS", "drops/a/b/_SUCCESS", "drops/a/b\n/_SUCCESS"])
def test_a_marker_in_another_place_is_refused(drops_table, key):
    world = World(drops_table)
    world.drop("a")
    world.post[0]["detail"]["object"]["key"] = key
    deliver(world)
    assert world.state(key) == "Refused"
    assert "write it there" in world.reason(key)


def test_a_run_that_sagemaker_never_takes_is_given_up_and_later_drops_go_on(drops_table):
    world = World(drops_table)
    world.sagemaker.refuses = "ValidationException"
    world.drop("a")
    outcome = world.reconciler.hear(world.post.pop())
    assert (outcome.given_up, outcome.waiting) == (1, 0)
    (run,) = world.runs
    assert (run.status, run.execution_arn) == ("Failed", "")
    assert "no such parameter" in run.reason
    assert world.state("a") == "Failed"
    world.tick()
    assert len(world.runs) == 1

    world.sagemaker.refuses = ""
    world.drop("b")
    world.settle()
    assert set(world.runs[1].drops) == {"a", "b"}
    assert world.states() == {"a": "Succeeded", "b": "Succeeded"}


@pytest.mark.parametrize("dies", ["before the call", "after it"])
def test_a_function_that_dies_while_it_gives_a_run_up_blocks_nothing(drops_table, dies):
    for call, world in worlds_by_call(drops_table):
        world.sagemaker.refuses = "ValidationException"
        world.drop("a")
        world.deliver(dies_at=call if dies == "before the call" else -call)
        deliver(world)
        world.a_day_passes()
        world.tick()
        assert world.state("a") == "Failed"
        world.sagemaker.refuses = ""
        world.drop("b")
        world.settle()
        assert world.states() == {"a": "Succeeded", "b": "Succeeded"}


def test_a_throttle_is_tried_again_with_the_same_run(drops_table):
    world = World(drops_table)
    world.sagemaker.refuses = "ThrottlingException"
    world.drop("a")
    with pytest.raises(Exception, match="ThrottlingException"):
        world.deliver()
    assert world.state("a") in {"Waiting", "Starting"}
    world.sagemaker.refuses = ""
    world.tick()
    world.settle()
    assert len(world.runs) == 1
    assert world.state("a") == "Succeeded"


def test_a_drop_of_which_nothing_was_used_did_not_succeed_and_its_marker_starts_a_run_again(
    drops_table,
):
    world = World(drops_table)
    for drop_id in ("bad", "good"):
        world.drop(drop_id, "index")
    deliver(world)
    if len(world.runs) == 1:  # the first drop's own
        succeed(world, used=["bad"])
    succeed(world, used=["good"], unused=["bad"])
    world.drop("bad", "another index")
    deliver(world)
    succeed(world, used=["good"], unused=["bad"])
    assert (world.state("bad"), world.reason("bad")) == ("Unused", "It is bad.")
    assert world.state("good") == "Succeeded"
    count = len(world.runs)
    world.tick()
    assert len(world.runs) == count

    world.drop("bad", "another index")  # its files are mended, the same marker
    deliver(world)
    succeed(world, used=["good", "bad"])
    assert len(world.runs) == count + 1
    assert (world.state("bad"), world.reason("bad")) == ("Succeeded", "")


def test_an_unused_drop_has_the_fate_of_the_next_run_that_used_it(drops_table):
    world = World(drops_table)
    world.drop("mended")
    deliver(world)
    succeed(world, unused=["mended"])
    assert world.state("mended") == "Unused"
    world.drop("other")
    deliver(world)
    succeed(world, used=["mended", "other"])
    assert world.states() == {"mended": "Succeeded", "other": "Succeeded"}


def test_of_drops_that_wait_those_that_are_deleted_are_told_so_and_the_others_have_their_run(
    drops_table,
):
    world = World(drops_table)
    world.drop("first")
    deliver(world)
    for drop_id in ("early", "kept", "late"):
        world.drop(drop_id)
        deliver(world)
    del world.markers["early"], world.markers["late"]
    succeed(world, used=["first"])
    assert world.runs[1].drop_id == "kept"
    assert world.state("late") == "Withdrawn"
    assert "deleted" in world.reason("late")
    succeed(world, used=["first", "kept"])
    assert world.states() == {
        "first": "Succeeded",
        "kept": "Succeeded",
        "early": "Withdrawn",
        "late": "Withdrawn",
    }
    world.drop("late")
    deliver(world)
    succeed(world, used=["first", "kept", "late"])
    assert world.state("late") == "Succeeded"


def test_where_all_that_waits_is_deleted_no_run_begins(drops_table):
    world = World(drops_table)
    world.drop("first")
    deliver(world)
    world.drop("late")
    deliver(world)
    del world.markers["late"]
    succeed(world, used=["first"])
    assert len(world.runs) == 1
    assert world.state("late") == "Withdrawn"


@pytest.mark.parametrize("broken", [None, [], {}, {"included_drops": 3}, {"included_drops": [{}]}])
def test_a_dataset_that_says_nothing_blocks_nothing(drops_table, broken):
    world = World(drops_table)
    world.drop("a")
    deliver(world)
    world.datasets["0"] = broken
    world.settle()
    assert world.state("a") == "Succeeded"


def test_a_drop_recorded_before_ids_were_checked_is_refused_when_its_run_would_begin(drops_table):
    world = World(drops_table)
    world.drop("first")
    deliver(world)
    world.drop("a&b")
    world.table.record(world.markers["a&b"])
    world.post.clear()
    world.end(0, "Succeeded")
    deliver(world)
    assert world.state("a&b") == "Refused"
    assert len(world.runs) == 1
