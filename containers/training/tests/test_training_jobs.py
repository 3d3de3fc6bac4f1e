"""Whole training jobs, through the launcher and real Horovod workers."""

import os
import re
import shutil
import signal
from pathlib import Path

import pytest
import tensorflow as tf
from jobs import SIZE, Job, Running

from training.data.order import Deal, Order
from training.data.places import Layout

# As the metric definitions of a training job look for it.
METRICS = [
    "loss",
    "accuracy",
    "validation_loss",
    "validation_accuracy",
    "images_per_second",
    "images_per_second_per_worker",
    "input_share",
    "compute_share",
    "communication_share",
]
EPOCH_LINE = re.compile(
    rf"^epoch=11 {' '.join(f'{name}=[0-9.e+-]+' for name in METRICS)}$", re.MULTILINE
)


@pytest.fixture
def running(tmp_path):
    """Two hosts that train, and would for long."""
    job = Job(tmp_path, 2, [500], {"epochs": "10000"})
    job.prepare()
    running = Running(job, job.start())
    try:
        running.wait_until_it_trains()
        yield running
    finally:
        running.group.kill()
        running.group.wait()


@pytest.mark.parametrize(
    ("hosts", "workers_per_host", "shards"),
    [(1, 3, [0, 1, 1]), (2, 2, [0, 1, 7, 50])],
    ids=["fewer records than workers", "uneven shards on two hosts"],
)
def test_each_record_is_read_by_one_worker_an_epoch_however_hosts_lie_and_weights_end_equal(
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
        for rank in range(workers):
            order = Order(Deal(Layout.replicated([len(keys)], rank, workers), (1, epoch)), 1)
            numbers = order.numbers(0, order.steps)
            assert job.order(epoch, rank) == [keys[number] for number in numbers]
        assert sum(counts[epoch] for counts in summary["records"].values()) == len(keys)


@pytest.mark.parametrize(
    ("input_mode", "distribution", "runs"),
    [
        ("FastFile", "FullyReplicated", 1),
        ("File", "ShardedByS3Key", 1),
        ("FastFile", "ShardedByS3Key", 2),
    ],
)
def test_however_records_reach_hosts_each_is_read_once_an_epoch_to_the_same_bits_again(
    tmp_path, input_mode, distribution, runs
):
    settings = {"deterministic": "true", "input_mode": input_mode}
    jobs = [
        Job(
            tmp_path / str(run),
            2,
            [13, 0, 7, 50, 30],
            settings,
            distribution=distribution,
        )
        for run in range(runs)
    ]
    for job in jobs:
        keys = job.prepare()

        assert job.run() == 0, job.log()

        assert [job.keys_read(epoch) for epoch in range(2)] == [sorted(keys)] * 2
        assert len(set(job.summary()["weights"].values())) == 1
    assert len({tuple(job.summary()["weights"].values()) for job in jobs}) == 1


def test_hosts_whose_names_come_late_train_though_the_job_is_told_no_interface_of_theirs(tmp_path):
    told = {"network_interface_name": "eth7"}
    job = Job(tmp_path, 2, [8], told=told, names_after="4")
    job.prepare()

    assert job.run() == 0, job.log()

    assert "algo-1 waits for the address of algo-1" in job.log(1)
    assert "algo-2 waits for the address of algo-1 and algo-2" in job.log(2)


@pytest.mark.skipif(shutil.which("ip") is None, reason="makes networks with iproute2")
def test_machines_whose_interface_has_an_address_first_that_nobody_reaches_train(tmp_path):
    told = {"network_interface_name": "eth0"}
    job = Job(tmp_path, 2, [8], told=told, group="two_machines.py")
    job.prepare()

    assert job.run() == 0, job.log(1) + job.log(2)


def test_a_model_learns_and_is_exported_with_pixels_as_its_input(tmp_path):
    job = Job(tmp_path, 1, [64], {"epochs": "12", "learning_rate": "0.01"})
    job.prepare()

    assert job.run() == 0, job.log()

    assert job.summary()["history"][-1]["validation_accuracy"] == 1.0
    assert EPOCH_LINE.search(job.log())
    model = tf.saved_model.load(str(tmp_path / "algo-1" / "model" / "saved_model"))
    signature = model.signatures["serving_default"]
    images = tf.stack([tf.fill([SIZE, SIZE, 3], tf.cast(v, tf.uint8)) for v in (40, 200)])
    probabilities = signature(images=images)["probabilities"].numpy()
    assert probabilities.argmax(axis=1).tolist() == [0, 1]
    assert probabilities.sum(axis=1) == pytest.approx([1, 1])


def test_a_deterministic_job_gives_the_same_weights_again_and_mixes_each_epoch_anew(tmp_path):
    jobs = [
        Job(tmp_path / name, 1, [20], {"seed": "7", "deterministic": "true"})
        for name in ("one", "other")
    ]
    for job in jobs:
        job.prepare()
        assert job.run() == 0, job.log()

    one, other = jobs
    assert one.summary()["weights"] == other.summary()["weights"]
    orders = [one.order(epoch) for epoch in range(2)]
    assert orders == [other.order(epoch) for epoch in range(2)]
    assert orders[0] != orders[1]


def test_a_killed_worker_ends_the_job_on_every_host_with_the_reason(running):
    os.kill(running.worker(2), signal.SIGKILL)

    assert running.group.wait(timeout=120) == 1

    assert running.processes() == []
    reason = "The worker of rank 1 was ended by SIGKILL: look into its host's log."
    assert running.job.failure(2) == reason
    assert running.job.failure(1) == f"algo-2 failed: {reason}"


def test_a_host_whose_launcher_is_killed_ends_the_job_and_leaves_no_worker(running):
    worker = running.worker(2)
    os.kill(running.launcher(2), signal.SIGKILL)

    assert running.group.wait(timeout=120) == 1

    assert running.job.failure(1).startswith("algo-2 has said nothing for 15 s")
    assert not Path(f"/proc/{worker}").exists()


def test_sigterm_ends_every_host_in_order_and_is_no_failure(running):
    os.kill(running.launcher(1), signal.SIGTERM)

    assert running.group.wait(timeout=120) == 128 + signal.SIGTERM

    for host in (1, 2):
        assert not running.job.failed(host)
        assert "asked to stop" in running.job.log(host)
    assert running.processes() == []


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


def test_an_image_size_that_is_not_the_records_is_one_sentence(tmp_path):
    job = Job(tmp_path, 1, [4], {"image_size": "16"})
    job.prepare()

    assert job.run() == 1
    assert "holds 192 bytes of pixels, and an image_size of 16 asks for 768" in job.failure()
