"""The starter under duplicate, late, lost and reordered events, crashes and sleep, in worlds that
hypothesis makes up.
"""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functions.starter.checks import check_nothing_is_lost, check_nothing_is_twice
from tests.functions.starter.world import World

NUMBERS = st.integers(0, 20)
CALLS = st.integers(1, 24)
DROPS = st.sampled_from(["a", "b", "c", "d"])
DROP = st.tuples(st.just("drop"), DROPS, st.sampled_from(["", "1", "2"]))
DRIFT = st.tuples(st.just("drift"), st.integers(1, 2), st.none())
DELIVER = st.tuples(st.just("deliver"), NUMBERS, st.none())
AGAIN = st.tuples(st.just("deliver again"), NUMBERS, st.none())
SLEEP = st.tuples(st.just("fall asleep"), NUMBERS, CALLS)
WAKE = st.tuples(st.just("wake"), NUMBERS, st.none())
DIE = st.tuples(st.just("die"), NUMBERS, CALLS | CALLS.map(lambda number: -number))
LOSE = st.tuples(st.just("lose"), NUMBERS, st.none())
END = st.tuples(
    st.just("end"), NUMBERS, st.sampled_from(["Succeeded", "Succeeded", "Failed", "Stopped"])
)
RETRY = st.tuples(st.just("retry"), NUMBERS, st.none())
TICK = st.tuples(st.just("tick"), NUMBERS, st.none())
BY_HAND = st.tuples(st.just("by hand"), NUMBERS, st.none())
DEEDS = [
    DROP,
    DROP,
    DRIFT,
    DELIVER,
    DELIVER,
    AGAIN,
    SLEEP,
    SLEEP,
    WAKE,
    DIE,
    LOSE,
    END,
    RETRY,
    TICK,
]
HISTORIES = st.lists(st.one_of(*DEEDS, BY_HAND), max_size=50)
some = settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def happen(world, history):
    deeds = {
        "drop": world.drop,
        "drift": lambda version, _: world.drift(version),
        "deliver": lambda number, _: world.deliver(number),
        "deliver again": lambda number, _: world.deliver(number, again=True),
        "fall asleep": lambda number, call: world.deliver(number, sleeps_at=call),
        "wake": lambda number, _: world.wake(number),
        "die": lambda number, call: world.deliver(number, dies_at=call),
        "lose": lambda number, _: world.lose(number),
        "end": world.end,
        "retry": lambda number, _: world.retry(number),
        "tick": lambda *_: world.tick(),
        "by hand": lambda *_: world.sagemaker.person_starts(),
        "day": lambda *_: world.a_day_passes(),
    }
    for deed, one, other in history:
        deeds[deed](one, other)


@some
@given(HISTORIES, st.sampled_from([1, 2]))
def test_whatever_comes_no_drop_is_lost_or_run_twice(drops_table, history, concurrent):
    world = World(drops_table, concurrent)
    happen(world, history)
    world.settle()
    check_nothing_is_lost(world)
    check_nothing_is_twice(world)


@some
@given(st.lists(st.one_of(*DEEDS), max_size=50), st.sampled_from([1, 2, 3]))
def test_never_more_run_at_once_than_may(drops_table, history, concurrent):
    """A person who retries or starts one may have more; the starter then adds none."""
    world = World(drops_table, concurrent)
    happen(world, [deed for deed in history if deed[0] != "retry"])
    world.settle()
    assert all(execution.others < concurrent for execution in world.sagemaker.executions)


@some
@given(st.lists(st.one_of(*DEEDS, st.tuples(st.just("day"), NUMBERS, st.none())), max_size=50))
def test_never_more_begin_in_a_day_than_may_without_a_person(drops_table, history):
    world = World(drops_table, a_day=2)
    happen(world, history)
    world.settle()
    begun = [run.created for run in world.runs]
    assert all(
        (later - earlier).days >= 1 for earlier, later in zip(begun, begun[2:], strict=False)
    )
    check_nothing_is_lost(world)
