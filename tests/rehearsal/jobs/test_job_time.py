"""How long a job may take, by a clock that the test sets."""

from __future__ import annotations

import pytest

from rehearsal.jobs import job_time
from rehearsal.jobs.job_time import Limit, Limits


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(job_time, "time", clock)
    return clock


def test_the_run_time_counts_while_the_containers_run_over_all_attempts(clock: Clock) -> None:
    spot = Limits(10, 1000)
    clock.now += 500  # e.g. the data is on its way
    spot.containers_run()
    clock.now += 6
    spot.containers_ended()
    clock.now += 100
    spot.containers_run()
    clock.now += 3
    assert spot.reached() is None

    clock.now += 1

    assert spot.reached() is Limit.RUNTIME
    assert "MaxRuntimeInSeconds, 10," in spot.sentence(Limit.RUNTIME)


def test_the_wait_time_counts_from_the_start_whether_or_not_containers_run(clock: Clock) -> None:
    spot = Limits(10, 30)
    clock.now += 15
    spot.containers_run()
    clock.now += 5
    spot.containers_ended()
    clock.now += 9
    assert spot.reached() is None

    clock.now += 1

    assert spot.reached() is Limit.WAIT_TIME
    assert "MaxWaitTimeInSeconds, 30," in spot.sentence(Limit.WAIT_TIME)


def test_a_job_on_demand_has_no_wait_time(clock: Clock) -> None:
    on_demand = Limits(10, None)
    clock.now += 10**6
    assert on_demand.reached() is None
