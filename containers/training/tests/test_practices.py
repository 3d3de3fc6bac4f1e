"""Large-batch practice: what the hyperparameters do to a step, a schedule and the end of a job."""

from __future__ import annotations

import math
import time

import keras
import numpy as np
import pytest
from jobs import Job

from training.data.batches import ready
from training.optimiser import make_optimiser
from training.progress import EarlyStopping
from training.reduction import Reduction
from training.settings import Settings

BEGIN = keras.Variable(0.0, trainable=False)


@pytest.mark.parametrize(("scaling", "peak"), [("none", 0.01), ("sqrt", 0.02), ("linear", 0.04)])
@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
def test_the_learning_rate_rises_to_its_peak_and_falls_to_nothing(scaling, peak, optimiser):
    settings = Settings(
        learning_rate=0.01, learning_rate_scaling=scaling, warmup_share=0.25, optimiser=optimiser
    )
    trained = keras.Variable(0.0, trainable=False)
    made = make_optimiser(settings, 4, trained)
    made.build([keras.Variable([1.0])])

    def rate(share: float) -> float:
        trained.assign(share)
        return float(made.learning_rate)

    assert rate(0.0) == 0.0
    assert rate(0.25) == pytest.approx(peak, rel=1e-3)
    assert rate(1.0) == pytest.approx(0.0, abs=1e-6)
    assert rate(0.6) < rate(0.4) < peak


def test_without_a_warm_up_the_first_step_has_the_peak():
    made = make_optimiser(Settings(warmup_share=0.0, learning_rate=0.5), 1, BEGIN)
    made.build([keras.Variable([1.0])])
    assert float(made.learning_rate) == pytest.approx(0.5)


def test_weights_decay_but_biases_do_not():
    settings = Settings(weight_decay=0.5, warmup_share=0.0, learning_rate=0.1)
    made = make_optimiser(settings, 1, BEGIN)
    kernel = keras.Variable([1.0], name="kernel")
    bias = keras.Variable([1.0], name="bias")
    made.apply([np.zeros(1, np.float32)] * 2, [kernel, bias])
    assert float(kernel[0]) < 1.0
    assert float(bias[0]) == 1.0


def test_early_stopping_keeps_the_best_epoch_and_ends_after_its_patience():
    watch = EarlyStopping(patience=2)
    told = [
        watch.watch(epoch, loss, [np.array([epoch])])
        for epoch, loss in enumerate([3.0, 1.0, math.nan, 2.0])
    ]
    assert told == [False, False, False, True]
    assert (watch.best_epoch, watch.best_loss) == (1, 1.0)
    assert watch.best_weights[0].tolist() == [1]


def test_without_patience_it_never_stops():
    watch = EarlyStopping(patience=0)
    assert not any(watch.watch(epoch, 1.0, []) for epoch in range(100))


def test_buckets_hold_each_gradient_once_the_last_layers_first():
    tensors = [keras.ops.zeros(size) for size in (3, 50, 2, 4, 1)]
    buckets = Reduction(bucket_bytes=28)._buckets(tensors, 4)
    assert buckets == [[4, 3, 2], [1], [0]]


def test_elements_that_are_made_ahead_come_in_order_and_with_their_error():
    def elements():
        yield from range(10)
        raise ValueError("no more")

    taken = []
    with pytest.raises(ValueError, match="no more"):
        taken.extend(iter_into(taken, ready(elements(), 3)))
    assert taken == list(range(10))


def iter_into(taken, elements):
    for element in elements:
        taken.append(element)
    return []


def test_elements_that_nobody_takes_are_not_made():
    made = []

    def elements():
        for number in range(1000):
            made.append(number)
            yield number

    stream = ready(elements(), 3)
    next(stream)
    stream.close()
    count = len(made)
    time.sleep(0.2)
    assert len(made) == count <= 10


def test_a_loss_that_is_no_number_ends_the_job_with_a_sentence(tmp_path):
    job = Job(
        tmp_path,
        2,
        [64],
        {
            "optimiser": "sgd",
            "learning_rate": "10",
            "learning_rate_scaling": "linear",
            "warmup_share": "0",
            "epochs": "200",
        },
    )
    job.prepare()

    assert job.run() == 1

    for host in (1, 2):
        assert "The loss is not finite any more in epoch " in job.failure(host)
        assert "Traceback" not in job.failure(host)


def test_early_stopping_ends_all_workers_after_the_same_epoch(tmp_path):
    job = Job(
        tmp_path,
        1,
        [12],
        {"workers_per_host": "2", "epochs": "200", "early_stopping_patience": "1"},
    )
    job.prepare()

    assert job.run() == 0, job.log()

    summary = job.summary()
    losses = [entry["validation_loss"] for entry in summary["history"]]
    assert len(losses) < 200
    assert summary["best_epoch"] == int(np.argmin(losses))
    assert len(set(summary["weights"].values())) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"precision": "mixed_float16", "class_weights": "balanced", "weight_decay": "0.01"},
        {"gradient_compression": "float16", "label_smoothing": "0.1"},
    ],
    ids="-".join,
)
def test_two_workers_still_learn_and_end_with_equal_weights(tmp_path, settings):
    learning = {"epochs": "15", "learning_rate": "0.01", "workers_per_host": "2"}
    job = Job(tmp_path, 1, [64], learning | settings)
    job.prepare()

    assert job.run() == 0, job.log()

    assert job.summary()["history"][-1]["validation_accuracy"] == 1.0
    assert len(set(job.summary()["weights"].values())) == 1


def test_a_python_error_in_a_worker_is_told_with_its_traceback(tmp_path):
    job = Job(tmp_path, 2, [4])
    job.prepare()
    # A file where the folder of the records' log would be.
    (tmp_path / "algo-2" / "output" / "data").mkdir(parents=True)
    (tmp_path / "algo-2" / "output" / "data" / "records").write_text("in the way")

    assert job.run() == 1

    assert "Traceback" in job.failure(2)
    assert "FileExistsError" in job.failure(2)
    assert job.failure(1).startswith("algo-2 failed: FileExistsError")
