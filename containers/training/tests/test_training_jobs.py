"""Whole training jobs, through the launcher and real Horovod workers."""

import os
import signal
import time
from pathlib import Path

import pytest
import tensorflow as tf
from jobs import SIZE, Job


@pytest.mark.parametrize(
    ("hosts", "workers_per_host", "shards"),
    [(1, 1, [5]), (1, 3, [1, 0, 7]), (2, 1, [50, 0]), (2, 2, [1, 1])],
    ids=["one worker", "uneven and empty shards", "one empty shard", "fewer records than workers"],
)
def test_each_record_is_read_by_one_worker_an_epoch_and_weights_end_equal(
    tmp_path, hosts, workers_per_host, shards
):
    job = Job(tmp_path, hosts, shards, {"workers_per_host": str(workers_per_host)})
    keys = job.prepare()

    assert job.run() == 0, job.log()

    summary = job.summary()
    workers = hosts * workers_per_host
    assert summary["workers"] == workers
    assert len(summary["weights"]) == workers
    assert len(set(summary["weights"].values())) == 1
    for epoch in range(2):
        assert job.keys_read(epoch) == sorted(keys)
        assert sum(counts[epoch] for counts in summary["records"].values()) == len(keys)


def test_a_model_learns_and_is_exported_with_pixels_as_its_input(tmp_path):
    job = Job(tmp_path, 1, [64], {"epochs": "12", "learning_rate": "0.01"})
    job.prepare()

    assert job.run() == 0, job.log()

    assert job.summary()["history"][-1]["validation_accuracy"] == 1.0
    model = tf.saved_model.load(str(tmp_path / "algo-1" / "model" / "saved_model"))
    signature = model.signatures["serving_default"]
    images = tf.stack([tf.fill([SIZE, SIZE, 3], tf.cast(v, tf.uint8)) for v in (40, 200)])
    probabilities = signature(images=images)["probabilities"].numpy()
    assert probabilities.argmax(axis=1).tolist() == [0, 1]
    assert probabilities.sum(axis=1) == pytest.approx([1, 1])


def test_the_same_seed_gives_the_same_order_of_records(tmp_path):
    jobs = [Job(tmp_path / name, 1, [20], {"seed": "7"}) for name in ("one", "other")]
    orders = []
    for job in jobs:
        job.prepare()
        assert job.run() == 0, job.log()
        file = job.folder / "algo-1" / "output" / "data" / "records" / "epoch-1-rank-0.txt"
        orders.append(file.read_text())
    assert orders[0] == orders[1]


def test_a_killed_worker_ends_the_job_on_every_host(tmp_path):
    job = Job(tmp_path, 2, [500], {"epochs": "5000"})
    job.prepare()
    group = job.start()
    try:
        worker = _wait_for(lambda: _worker_that_trains(tmp_path))
        os.kill(worker, signal.SIGKILL)
        assert group.wait(timeout=120) == 1
    finally:
        group.kill()
        group.wait()
    assert "SIGKILL" in job.failure(1) + job.failure(2)


def test_an_unknown_hyperparameter_is_refused_with_the_nearest_name(tmp_path):
    job = Job(tmp_path, 1, [4], {"epoch": "3"})
    job.prepare()

    assert job.run() == 1
    assert job.failure() == "The hyperparameter 'epoch' is unknown; the nearest name is 'epochs'."


def test_an_empty_training_channel_is_one_sentence(tmp_path):
    job = Job(tmp_path, 1, [0])
    job.prepare()

    assert job.run() == 1
    assert job.failure().startswith("The channel train has no records in ")


def _worker_that_trains(folder: Path) -> int | None:
    """The process of algo-2's worker, once an epoch has been logged."""
    log = folder / "algo-1.log"
    if not log.exists() or "epoch=0" not in log.read_text():
        return None
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"training.worker" in words and str(folder / "algo-2").encode() in words:
            return int(process.name)
    return None


def _wait_for(look, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found is not None:
            return found
        time.sleep(0.2)
    raise AssertionError("waited in vain")
