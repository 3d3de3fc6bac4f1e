"""What must hold once a world has settled."""

from collections import defaultdict

from functions.starter.records import UNSUCCESSFUL, Run
from tests.functions.starter.world import World


def check_nothing_is_lost(world: World) -> None:
    """Each drop, as it is, was complete before an execution began that covers it, and its fate is
    that execution's.
    """
    runs, drops = world.runs, world.drops
    for drop_id, changed in world.changed.items():
        run = runs[drops[drop_id].run_number - 1]
        execution = world.execution_of(run)
        assert execution.created > changed
        assert drops[drop_id].state == run.status == execution.status


def check_nothing_is_twice(world: World) -> None:
    """A run has one execution, and a drop another run only where the one before failed."""
    own = [e for e in world.sagemaker.executions if not e.token.startswith("by-hand")]
    runs = world.runs
    assert [run.number for run in runs] == list(range(1, len(runs) + 1))
    assert sorted(e.token for e in own) == sorted(run.token for run in runs)
    covering: defaultdict[tuple[str, int], list[Run]] = defaultdict(list)
    for run in runs:
        fresh = [each for each in run.drops.items() if each not in covering]
        assert fresh, f"run {run.number} is for nothing"
        for each in run.drops.items():
            for earlier in covering[each]:
                assert set(world.execution_of(earlier).ended) & UNSUCCESSFUL
            covering[each].append(run)
