"""The set of running jobs, while many start at once and when it is closed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rehearsal.errors import ApiError
from rehearsal.jobs.run import Runs


class Job:
    """Runs, a moment after it was started, until it is stopped."""

    def __init__(self) -> None:
        self.is_running = False
        self.was_stopped = False

    def start(self) -> None:
        time.sleep(0.005)
        self.is_running = True

    def stop(self) -> None:
        self.was_stopped = True
        self.is_running = False

    def close(self) -> None:
        self.stop()

    def join(self) -> None:
        return None


def test_every_job_of_many_that_start_at_once_can_be_stopped() -> None:
    jobs, made = Runs(), {str(number): Job() for number in range(20)}

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda each: jobs.start(*each), made.items()))
    for arn in made:
        jobs.stop(arn)

    assert all(job.was_stopped for job in made.values())


def test_no_job_starts_once_they_are_closed() -> None:
    jobs, late = Runs(), Job()
    jobs.close()

    with pytest.raises(ApiError, match="does not start late"):
        jobs.start("late", late)

    assert not late.is_running
