"""What each worker runs, top to bottom: settings, data, model, optimiser, fit, export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import horovod.tensorflow as hvd
import keras
import tensorflow as tf

from training.augmentation import make_augmentation
from training.cluster import read_cluster
from training.data import batches, find_share
from training.errors import UserError
from training.export import export
from training.fit import Totals, Trainer, equal_weights
from training.folders import Folders
from training.model import NETWORKS
from training.optimiser import make_optimiser
from training.settings import read_settings


def train(folders: Folders) -> None:
    """Trains on the channels below `folders`; rank 0 writes the model.

    :raises UserError: data or hyperparameters don't allow it.
    """
    settings = read_settings(folders.config / "hyperparameters.json")
    hvd.init()
    pin_gpu()
    keras.utils.set_random_seed(settings.seed)
    if settings.deterministic:
        tf.config.experimental.enable_op_determinism()

    labels = read_labels(folders.channel("labels") / "labels.json")
    share, validation_share = (
        find_share(folders.channel(name), name, settings.image_size, hvd.rank(), hvd.size())
        for name in ("train", "validation")
    )
    validation = batches(validation_share, settings.batch_size)

    model = NETWORKS[settings.model](settings.image_size, len(labels))
    steps = share.steps(settings.batch_size)
    optimiser = make_optimiser(settings.learning_rate, hvd.size(), steps, settings.epochs)
    # Each rank varies its images in its own way.
    augmentation = make_augmentation(settings.seed + hvd.rank())
    trainer = Trainer(model, optimiser, augmentation)
    trainer.broadcast()

    history, read = [], []
    for epoch in range(settings.epochs):
        # Another order each epoch; and another on each rank, as each has other records.
        seed = settings.seed + epoch * hvd.size() + hvd.rank()
        totals = trainer.train(batches(share, settings.batch_size, shuffle_seed=seed))
        history.append(summarise(epoch, totals, trainer.validate(validation)))
        read.append(len(totals.keys))
        if settings.log_records:
            write_keys(folders, epoch, hvd.rank(), totals.keys)

    weights = equal_weights(model)
    records = hvd.allgather_object(read)
    if hvd.rank() == 0:
        export(model, labels, settings.image_size, folders.model)
        cluster = read_cluster(folders.config / "resourceconfig.json")
        summary = {
            "schema": 1,
            "hosts": list(cluster.hosts),
            "workers": hvd.size(),
            "history": history,
            "weights": weights,
            "records": {str(rank): counts for rank, counts in enumerate(records)},
        }
        (folders.model / "training.json").write_text(json.dumps(summary, indent=1), "utf-8")
    # Nobody leaves before rank 0 has written: a host that ends early looks like a failure.
    hvd.allgather_object(None)


def pin_gpu() -> None:
    """One worker a GPU."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        tf.config.set_visible_devices(gpus[hvd.local_rank() % len(gpus)], "GPU")


def read_labels(file: Path) -> list[str]:
    """:raises UserError: the label map is not there."""
    try:
        labels: list[str] = json.loads(file.read_text(encoding="utf-8"))["labels"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"The labels cannot be read from {file}: {error!r}.") from error
    return labels


def summarise(epoch: int, totals: Totals, validation: Totals) -> dict[str, Any]:
    """The epoch as `training.json` keeps it; rank 0 logs it for CloudWatch's metric definitions."""
    entry = {
        "epoch": epoch,
        "loss": totals.mean_loss,
        "accuracy": totals.accuracy,
        "validation_loss": validation.mean_loss,
        "validation_accuracy": validation.accuracy,
        "seconds": totals.seconds + validation.seconds,
        "images_per_second": totals.weight / totals.seconds,
    }
    if hvd.rank() == 0:
        shown = (f"{name}={value:.5g}" for name, value in entry.items() if name != "seconds")
        print(*shown, flush=True)
    return entry


def write_keys(folders: Folders, epoch: int, rank: int, keys: list[str]) -> None:
    folder = folders.data / "records"
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{key}\n" for key in keys)
    (folder / f"epoch-{epoch}-rank-{rank}.txt").write_text(lines, encoding="utf-8")
