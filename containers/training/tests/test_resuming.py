"""Jobs that die in mid-epoch and go on from their checkpoints as if nothing had been."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from jobs import Job, Running

SETTINGS = {
    "epochs": "4",
    "deterministic": "true",
    "batch_size": "1",
    "checkpoint_seconds": "1",
    "early_stopping_patience": "50",
}
RECORDS = [101, 0, 7, 150]


def job(folder: Path, **settings: str) -> Job:
    return Job(folder, 2, RECORDS, SETTINGS | settings)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The summary of a job that nothing happens to."""
    whole = job(tmp_path_factory.mktemp("unbroken"))
    whole.prepare()
    assert whole.run() == 0, whole.log()
    return whole.summary()


def interrupted(folder: Path, harm) -> Job:
    """A job that trains in its third epoch when `harm` comes over it; it has ended."""
    broken = job(folder)
    broken.prepare()
    running = Running(broken, broken.start())
    try:
        running.wait_until_it_trains(epoch=1)
        # Somewhere in the epoch, after the checkpoint of its beginning.
        time.sleep(0.5)
        harm(running)
        running.group.wait(timeout=120)
    finally:
        running.group.kill()
        running.group.wait()
    assert not (folder / "algo-1" / "model" / "training.json").exists()
    return broken


def continued(broken: Job, folder: Path, hosts: int = 2, **settings: str) -> Job:
    """A new job on new hosts, to which SageMaker brings the checkpoints of the broken one."""
    new = Job(folder, hosts, RECORDS, SETTINGS | settings)
    new.prepare()
    for host in range(1, hosts + 1):
        checkpoints = folder / f"algo-{host}" / "checkpoints"
        shutil.copytree(broken.folder / "algo-1" / "checkpoints", checkpoints)
    return new


def kill_worker(running: Running) -> None:
    os.kill(running.worker(2), signal.SIGKILL)


def kill_launcher(running: Running) -> None:
    os.kill(running.launcher(2), signal.SIGKILL)


def kill_everything(running: Running) -> None:
    running.group.kill()


def ask_to_stop(running: Running) -> None:
    os.kill(running.launcher(2), signal.SIGTERM)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A job of which nothing is left but its checkpoints."""
    return interrupted(tmp_path_factory.mktemp("killed"), kill_everything)


def test_a_job_that_is_killed_goes_on_as_if_it_never_was(tmp_path, unbroken, killed):
    assert_goes_on(killed, tmp_path, unbroken)


@pytest.mark.parametrize("harm", [kill_worker, kill_launcher], ids=lambda harm: harm.__name__)
def test_a_job_that_lost_a_process_goes_on_as_if_it_never_had(tmp_path, unbroken, harm):
    assert_goes_on(interrupted(tmp_path / "broken", harm), tmp_path / "new", unbroken)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A job that was asked to stop, and has written its last step's checkpoint."""
    return interrupted(tmp_path_factory.mktemp("stopped"), ask_to_stop)


def test_a_job_that_is_asked_to_stop_goes_on_from_the_step_that_it_was_in(
    tmp_path, unbroken, stopped
):
    assert newest(stopped)["step"] > 0
    for host in (1, 2):
        assert not stopped.failed(host)
    assert_goes_on(stopped, tmp_path / "new", unbroken)


def assert_goes_on(broken: Job, folder: Path, unbroken: dict) -> None:
    """It ends as one that nothing happened to."""
    assert (broken.folder / "algo-1" / "checkpoints").is_dir()
    assert not any((broken.folder / "algo-2").glob("checkpoints/*"))
    new = continued(broken, folder)

    assert new.run() == 0, new.log()

    assert "Goes on at epoch " in new.log()
    summary = new.summary()
    assert summary["weights"] == unbroken["weights"]
    assert summary["records"] == unbroken["records"]
    for one, other in zip(summary["history"], unbroken["history"], strict=True):
        for name in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
            assert one[name] == other[name]


@pytest.mark.parametrize(
    ("hosts", "workers_per_host", "batch_size"), [(1, 1, 7), (1, 3, 1)], ids=["fewer", "more"]
)
def test_another_number_of_workers_reads_the_rest_of_the_epoch_and_nothing_twice(
    tmp_path, stopped, hosts, workers_per_host, batch_size
):
    new = continued(
        stopped,
        tmp_path,
        hosts,
        workers_per_host=str(workers_per_host),
        batch_size=str(batch_size),
    )

    assert new.run() == 0, new.log()

    workers, summary, broken = hosts * workers_per_host, new.summary(), newest(stopped)["epoch"]
    assert f", {workers} workers instead of 2." in new.log()
    every = stopped.keys_read(0)
    assert len(every) == len(set(every)) == sum(RECORDS)
    assert sorted([*stopped.keys_read(broken), *new.keys_read(broken)]) == every
    assert stopped.keys_read(broken)
    assert new.keys_read(broken)
    assert new.keys_read(3) == every
    for epoch in range(4):
        assert sum(counts[epoch] for counts in summary["records"].values()) == len(every)
    assert len(summary["weights"]) == workers
    assert len(set(summary["weights"].values())) == 1


def newest(stopped: Job) -> dict:
    found = []
    for file in (stopped.folder / "algo-1" / "checkpoints").glob("checkpoint-*.npz"):
        with np.load(file) as archive:
            found.append(json.loads(str(archive["described"])))
    return max(found, key=lambda each: (each["epoch"], each["step"]))


def test_a_broken_checkpoint_is_passed_over(tmp_path, unbroken, killed):
    new = continued(killed, tmp_path)
    files = (killed.folder / "algo-1" / "checkpoints").glob("*.npz")
    last = max(files, key=lambda file: file.stat().st_mtime_ns)
    for host in ("algo-1", "algo-2"):
        half = last.read_bytes()[: last.stat().st_size // 2]
        (tmp_path / host / "checkpoints" / last.name).write_bytes(half)

    assert new.run() == 0, new.log()

    assert f"{last.name} is not whole" in new.log()
    assert new.summary()["weights"] == unbroken["weights"]


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A job of one host that has trained and exported."""
    first = Job(tmp_path_factory.mktemp("ended"), 1, [8])
    first.prepare()
    assert first.run() == 0, first.log()
    return first


def follower(ended: Job, folder: Path, **settings: str) -> Job:
    """A job on the same records, to which SageMaker brings the checkpoints of the one before."""
    job = Job(folder, 1, [8], settings)
    job.prepare()
    shutil.copytree(ended.folder / "algo-1" / "checkpoints", folder / "algo-1" / "checkpoints")
    return job


def test_a_checkpoint_of_another_training_is_refused(tmp_path, ended):
    other = follower(ended, tmp_path, seed="9")

    assert other.run() == 1

    assert "was made with seed 1, and this job has 9" in other.failure()


def test_hosts_that_found_different_checkpoints_do_not_mix_them(tmp_path, killed):
    new = continued(killed, tmp_path)
    shutil.rmtree(tmp_path / "algo-2" / "checkpoints")

    assert new.run() == 1

    assert "The hosts found different checkpoints" in new.failure()


def test_a_job_that_had_trained_but_not_exported_only_exports(tmp_path, ended):
    again = follower(ended, tmp_path)

    assert again.run() == 0, again.log()

    assert again.summary()["weights"] == ended.summary()["weights"]
    assert "epoch=" not in again.log()
