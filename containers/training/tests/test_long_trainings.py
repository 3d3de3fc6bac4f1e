"""What a training must not use up, however long it is."""

import os
import resource
from contextlib import contextmanager

from jobs import Job, write_shards

SHARDS = 16
# The whole of it, in 4 minutes: LONG_EPOCHS=2000 python -m pytest tests/test_long_trainings.py
EPOCHS = os.environ.get("LONG_EPOCHS", "30")


@contextmanager
def open_files(most: int):
    """`ulimit -n` of what is started meanwhile."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_epoch_after_epoch_needs_no_more_open_files(tmp_path):
    job = Job(tmp_path, 1, [1] * SHARDS, {"epochs": EPOCHS, "log_records": "false"})
    job.prepare()
    write_shards(tmp_path / "algo-1" / "input" / "data" / "validation", [1] * SHARDS)

    with open_files(256):
        running = job.start()

    assert running.wait(timeout=3600) == 0, job.log()
    assert len(job.summary()["history"]) == int(EPOCHS)
