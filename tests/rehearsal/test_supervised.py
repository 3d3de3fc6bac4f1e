"""What is done again and again does not end with one failure, and fails audibly."""

import asyncio
import logging
import threading

import pytest

from rehearsal.supervised import SupervisedThread, look_now_and_then

SOON = 0.001


class Looks:
    """Fails in so many looks, then succeeds."""

    def __init__(self, failures, wanted):
        self.failures = failures
        self.wanted = wanted
        self.count = 0
        self.enough = threading.Event()

    def __call__(self):
        self.count += 1
        if self.count >= self.wanted:
            self.enough.set()
        if self.count <= self.failures:
            raise KeyError(f"look {self.count}")


@pytest.fixture
def run(caplog):
    """Runs looks until there were enough of them, and gives the log."""
    caplog.set_level(logging.INFO)

    def run(looks):
        thread = SupervisedThread("the watch", looks, SOON)
        thread.start()
        assert looks.enough.wait(10)
        thread.close()
        return caplog

    return run


def test_a_failure_is_logged_with_its_traceback_and_the_next_look_comes(run):
    log = run(Looks(failures=1, wanted=3))
    assert "the watch failed and goes on." in log.text
    assert "KeyError: 'look 1'" in log.text
    assert "Traceback" in log.text


def test_what_fails_again_and_again_is_told_once(run):
    log = run(Looks(failures=30, wanted=31))
    assert log.text.count("the watch fails again and again") == 1
    assert log.text.count("Traceback") == 4
    assert "the watch works again." in log.text


def test_a_closed_thread_looks_no_more():
    looks = Looks(failures=0, wanted=1)
    thread = SupervisedThread("the watch", looks, SOON)
    thread.start()
    assert looks.enough.wait(10)
    thread.close()
    count = looks.count
    thread.wake()
    thread.close()
    assert looks.count == count
    assert not [each for each in threading.enumerate() if each.name == "the watch"]


def test_waking_brings_the_next_look_at_once():
    looks = Looks(failures=0, wanted=1)
    thread = SupervisedThread("the watch", looks, 3600)
    thread.start()
    thread.wake()
    assert looks.enough.wait(10)
    thread.close()


def test_a_thread_that_was_never_started_can_be_closed():
    SupervisedThread("the watch", lambda: None, SOON).close()


def test_a_task_goes_on_after_a_failure_too(caplog):
    looks = Looks(failures=2, wanted=4)

    async def watch():
        task = asyncio.create_task(look_now_and_then("the task", looks, SOON))
        await asyncio.to_thread(looks.enough.wait, 10)
        task.cancel()

    asyncio.run(watch())
    assert looks.count >= 4
    assert caplog.text.count("the task failed and goes on.") == 2
