"""What a training must not use up, however long it is."""

import os
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest
from jobs import Job, write_shards

from training.data.records import Reader, find_records

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


def opened(folder: Path) -> int:
    """How many files in `folder` this process has open."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum(link.readlink().is_relative_to(folder) for link in links)


@pytest.fixture
def records(tmp_path):
    write_shards(tmp_path / "train", [2] * 100)
    return find_records(tmp_path / "train", "train")


def test_a_channel_of_many_files_is_read_with_few_of_them_open(records, tmp_path):
    order = [*range(records.count), *reversed(range(records.count))]
    with Reader(records) as reader:
        read = reader.read(order)
        assert opened(tmp_path) == 32
    assert opened(tmp_path) == 0
    assert read[: records.count] == read[: records.count - 1 : -1]
    assert len(set(read)) == records.count


def test_a_reader_that_nobody_has_any_more_closes_its_files(records, tmp_path):
    Reader(records).read(range(records.count))
    assert opened(tmp_path) == 0
