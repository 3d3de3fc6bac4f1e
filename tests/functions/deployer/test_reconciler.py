"""The deployer under duplicate, late and reordered events, in a world that hypothesis makes up."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.deployer.approvals import DeployerError
from functions.deployer.rollouts import ChangeSets, DirectUpdates
from tests.functions.deployer.world import World, arn

VERSIONS = st.integers(1, 4)
NUMBERS = st.integers(0, 20)
APPROVE = st.tuples(st.just("approve"), VERSIONS)
REJECT = st.tuples(st.just("reject"), VERSIONS)
DESCRIBE = st.tuples(st.just("describe"), VERSIONS)
DELIVER = st.tuples(st.just("deliver"), NUMBERS)
DELIVER_AGAIN = st.tuples(st.just("deliver again"), NUMBERS)
FALL_ASLEEP = st.tuples(st.just("fall asleep"), NUMBERS)
WAKE = st.tuples(st.just("wake"), NUMBERS)
FINISH = st.tuples(st.just("finish"), NUMBERS)
EXECUTE = st.tuples(st.just("execute"), NUMBERS)
AWAKE = [APPROVE, REJECT, DESCRIBE, DELIVER, DELIVER_AGAIN, FINISH]
BAD = st.sets(VERSIONS, max_size=2)


def happen(world, history):
    deeds = {
        "approve": world.approve,
        "reject": world.reject,
        "describe": world.describe,
        "deliver": world.deliver,
        "deliver again": lambda number: world.deliver(number, again=True),
        "fall asleep": lambda number: world.deliver(number, falls_asleep=True),
        "wake": lambda number: world.wake(),
        "finish": lambda number: world.finish(),
        "execute": lambda number: world.execute(number, with_our_token=number % 2 == 0),
    }
    for deed, number in history:
        deeds[deed](number)


@settings(max_examples=200)
@given(st.lists(st.one_of(*AWAKE, FALL_ASLEEP, WAKE), max_size=60), BAD)
def test_whatever_the_order_of_events_the_newest_approval_that_holds_serves(history, bad):
    world = World(DirectUpdates, bad)
    happen(world, history)
    world.settle(executes=False)
    if world.best:
        assert world.cloudformation.serving == world.best
    assert world.cloudformation.serving not in world.cloudformation.bad


@settings(max_examples=200)
@given(st.lists(st.one_of(*AWAKE), max_size=60), BAD)
def test_an_approval_that_was_rolled_back_is_never_tried_again(history, bad):
    world = World(DirectUpdates, bad)
    happen(world, history)
    world.settle(executes=False)
    attempts = Counter(token.rpartition("-")[0] for token in world.cloudformation.tried)
    failed = [n for name, n in attempts.items() if int(name.split("-")[1]) in bad]
    assert set(failed) <= {1}


@settings(max_examples=200)
@given(st.lists(st.one_of(*AWAKE, FALL_ASLEEP, WAKE, EXECUTE), max_size=60), BAD)
def test_where_a_person_decides_only_what_is_wanted_waits(history, bad):
    world = World(ChangeSets, bad)
    happen(world, history)
    world.settle(executes=False)
    waiting = world.cloudformation.waiting
    # One that nobody executed yet may be bad: nobody knows.
    assert len(waiting) <= 1
    assert all(world.is_approved(package) for package in waiting)
    assert world.cloudformation.serving not in waiting
    if world.best != world.cloudformation.serving:
        assert waiting or world.best is None


@settings(max_examples=200)
@given(
    st.lists(st.one_of(*AWAKE, FALL_ASLEEP, WAKE, EXECUTE), max_size=60),
    BAD,
    st.booleans(),
    st.booleans(),
)
def test_executing_all_that_waits_comes_to_an_end_with_the_newest_that_works(
    history, bad, lists_executed, forgets_executed
):
    world = World(ChangeSets, bad)
    world.cloudformation.lists_executed = lists_executed
    world.cloudformation.forgets_executed = forgets_executed
    happen(world, history)
    world.settle(executes=True)
    assert world.cloudformation.waiting == set()
    if world.best:
        assert world.cloudformation.serving == world.best


def test_a_thousand_events_twice_and_in_any_order_end_where_they_should():
    world = World(DirectUpdates, bad={3})
    for number in range(250):
        world.approve(1 + number % 7)
        world.describe(1 + number % 5)
        world.reject(1 + (number * 3) % 7)
        world.approve(1 + (number * 5) % 7)
    for number in range(1000):
        world.deliver(number * 7919, again=True)
    world.settle(executes=False)
    assert world.best
    assert world.cloudformation.serving == world.best


def serving(rollout, *versions, bad=()):
    """A world in which versions were approved one after another, and the last that works serves."""
    world = World(rollout, set(bad))
    for version in versions:
        world.approve(version)
        world.settle(executes=True)
    return world


@pytest.mark.parametrize("rollout", [DirectUpdates, ChangeSets])
def test_rejecting_what_serves_brings_back_the_one_approved_before(rollout):
    world = serving(rollout, 3, 1, 2)
    world.reject(2)
    world.settle(executes=True)
    assert world.cloudformation.serving == arn(1)


@pytest.mark.parametrize("rollout", [DirectUpdates, ChangeSets])
def test_approving_an_older_package_again_makes_it_serve(rollout):
    world = serving(rollout, 1, 2)
    world.approve(1)
    world.settle(executes=True)
    assert world.cloudformation.serving == arn(1)


def test_with_nothing_approved_the_last_one_serves_on():
    world = serving(DirectUpdates, 1)
    world.reject(1)
    world.settle(executes=True)
    assert world.cloudformation.serving == arn(1)


def test_a_bad_package_is_tried_again_once_somebody_approves_it_again():
    world = serving(DirectUpdates, 1, 2, bad=[2])
    assert world.cloudformation.serving == arn(1)
    world.cloudformation.bad.clear()
    world.describe(2)
    world.settle(executes=False)
    assert world.cloudformation.serving == arn(1)
    world.approve(2)
    world.settle(executes=False)
    assert world.cloudformation.serving == arn(2)


def test_an_approval_during_an_update_is_taken_up_when_it_ends():
    world = World(DirectUpdates, set())
    for version in (1, 2):
        world.approve(version)
        world.deliver(0)
    assert world.cloudformation.serving == arn(1)
    assert world.cloudformation.is_changing
    world.settle(executes=False)
    assert world.cloudformation.serving == arn(2)


def test_a_change_set_of_a_rejected_package_is_withdrawn():
    world = World(ChangeSets, set())
    world.approve(1)
    world.settle(executes=False)
    assert world.cloudformation.waiting == {arn(1)}
    world.reject(1)
    world.settle(executes=False)
    assert world.cloudformation.change_sets == {}


@pytest.mark.parametrize("with_our_token", [True, False])
def test_a_change_set_that_was_rolled_back_is_not_proposed_again(with_our_token):
    world = World(ChangeSets, {1})
    world.approve(1)
    world.settle(executes=False)
    world.execute(0, with_our_token=with_our_token)
    world.settle(executes=False)
    assert world.cloudformation.waiting == set()
    assert len(world.cloudformation.tried) == 1


@pytest.mark.parametrize("forgets", [False, True])
@pytest.mark.parametrize("with_our_token", [True, False])
def test_a_rollback_is_noticed_where_only_active_change_sets_are_listed(with_our_token, forgets):
    world = World(ChangeSets, {2})
    world.cloudformation.lists_executed = False
    world.cloudformation.forgets_executed = forgets
    world.approve(1)
    world.settle(executes=True)
    world.approve(2)
    world.settle(executes=False)
    world.execute(0, with_our_token=with_our_token)
    world.settle(executes=False)
    assert world.cloudformation.waiting == set()
    assert world.cloudformation.serving == arn(1)
    # A rollback of something else is none of what serves.
    world.describe(1)
    world.approve(3)
    world.settle(executes=True)
    assert world.cloudformation.serving == arn(3)
    world.reject(3)
    world.settle(executes=False)
    assert world.cloudformation.waiting == {arn(1)}


def test_a_change_set_that_another_update_overtook_is_made_anew():
    world = World(ChangeSets, set())
    world.approve(1)
    world.settle(executes=False)
    (change_set,) = world.cloudformation.change_sets.values()
    change_set["ExecutionStatus"] = "OBSOLETE"
    world.describe(1)
    world.settle(executes=True)
    assert world.cloudformation.serving == arn(1)


def test_other_peoples_change_sets_are_left_alone():
    world = World(ChangeSets, set())
    theirs = {"ExecutionStatus": "AVAILABLE", "ChangeSetName": "cdk-deploy", "Package": "x"}
    world.cloudformation.change_sets["cdk-deploy"] = theirs
    world.approve(1)
    world.reject(1)
    world.settle(executes=False)
    assert set(world.cloudformation.change_sets) == {"cdk-deploy"}


def test_a_package_that_served_before_the_table_was_there_is_gone_back_to():
    world = World(DirectUpdates, set())
    world.approve(1)
    world.post.clear()
    world.cloudformation.serving = arn(1)
    world.approve(2)
    world.settle(executes=False)
    assert world.cloudformation.serving == arn(2)
    world.reject(2)
    world.settle(executes=False)
    assert world.cloudformation.serving == arn(1)


def test_a_stack_that_needs_a_person_is_an_error_so_that_somebody_hears_of_it():
    world = World(DirectUpdates, set())
    world.cloudformation.status = "UPDATE_ROLLBACK_FAILED"
    world.approve(1)
    with pytest.raises(DeployerError, match=r"is UPDATE_ROLLBACK_FAILED .* continue-update"):
        world.deliver(0)


def test_a_rollback_is_noticed_though_another_update_followed_and_its_event_is_lost():
    world = World(DirectUpdates, {1})
    world.approve(1)
    world.deliver(0)
    world.finish()
    world.cloudformation.sent.clear()
    world.cloudformation.update_stack_of_somebody_else()
    world.settle(executes=False)
    assert len(world.cloudformation.tried) == 2


def test_a_function_that_acts_late_meets_an_update_and_lets_it_be():
    world = World(DirectUpdates, set())
    world.approve(1)
    world.deliver(0, falls_asleep=True)
    world.approve(2)
    world.deliver(0)
    world.wake()
    world.settle(executes=False)
    assert world.cloudformation.serving == arn(2)
    assert len(world.cloudformation.tried) == 1


def test_a_function_that_proposes_late_withdraws_what_it_proposed():
    world = World(ChangeSets, set())
    world.approve(1)
    world.deliver(0, falls_asleep=True)
    world.approve(2)
    world.deliver(0)
    world.wake()
    assert world.cloudformation.waiting == {arn(2)}


def test_a_change_set_that_cannot_be_made_is_an_error_and_is_made_again_on_the_next_event():
    world = World(ChangeSets, set())
    world.cloudformation.fails_change_sets = True
    world.approve(1)
    with pytest.raises(DeployerError, match=r"could not be made \(a hook said no\): reject"):
        world.deliver(0, again=True)
    world.cloudformation.fails_change_sets = False
    world.deliver(0)
    assert world.cloudformation.waiting == {arn(1)}


def test_a_change_set_whose_end_is_not_known_yet_is_an_error_so_that_the_event_is_tried_again():
    world = World(ChangeSets, set())
    world.approve(1)
    world.settle(executes=False)
    (change_set,) = world.cloudformation.change_sets.values()
    change_set["ExecutionStatus"] = "EXECUTE_IN_PROGRESS"
    world.approve(2)
    with pytest.raises(DeployerError, match="is EXECUTE_IN_PROGRESS though"):
        world.deliver(0)
