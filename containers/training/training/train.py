"""What each worker runs, top to bottom: settings, data, model, optimiser, fit, export."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import horovod.tensorflow as hvd
import keras
import numpy as np
import tensorflow as tf

from training import checkpoints
from training.augmentation import make_augmentation, random_states, seed
from training.common.container import OPT_ML, Folders, Stop, UserError
from training.data.channel import Share, Worker, find_share
from training.data.class_weights import class_weights
from training.epochs import Epochs, Log
from training.export import deliver, export, golden_images, write_golden
from training.fit import Trainer, broadcast, equal_weights
from training.launch.cluster import read_cluster
from training.models import build_network, weights_file
from training.optimiser import make_optimiser
from training.progress import EarlyStopping, Progress
from training.reduction import Reduction
from training.settings import Settings, read_settings
from training.summary import summarise


def work(root: Path = OPT_ML) -> None:
    """Trains on the channels below `root`; rank 0 writes checkpoints, logs and the model.

    Raises:
        UserError: data or hyperparameters don't allow it.
        Stopped: the job was asked to stop, and a checkpoint is written.
    """
    folders = Folders(root)
    settings = read_settings(folders.config / "hyperparameters.json")
    hvd.init()
    prepare(settings)

    labels = read_labels(folders.channel("labels") / "labels.json")
    training, validation = (
        read_channel(folders, name, settings) for name in ("train", "validation")
    )
    weighting = class_weights(settings.class_weights, training, len(labels))

    weights = weights_file(folders.channel("weights"))
    model = build_network(settings.model, settings.image_size, len(labels), weights)

    must_fit = facts(settings, labels, training, validation)
    trainer, state = begin(settings, model, training, weighting, must_fit)
    log = Log(folders, settings, enabled=hvd.rank() == 0)
    if workers := checkpoints.restore(folders.checkpoints, state):
        others = "" if workers == hvd.size() else f", {hvd.size()} workers instead of {workers}"
        log.say(f"Goes on at epoch {state.progress.epoch}, step {state.progress.step}{others}.")

    # From here on SIGTERM ends all workers after the same step, with a checkpoint.
    stop = Stop()
    stop.listen()
    Epochs(model, trainer, settings, state, folders, log, stop).run(training, validation)

    write(folders, settings, model, labels, validation, progress=state.progress)
    # Nobody leaves before rank 0 has written: a host that ends early looks like a failure.
    hvd.allgather_object(None, name="end")


def begin(
    settings: Settings,
    model: keras.Model,
    training: Share,
    weighting: np.ndarray,
    must_fit: Mapping[str, object],
) -> tuple[Trainer, checkpoints.State]:
    """What trains the model, and what its checkpoints are of: the same on every worker.

    `weighting` is of `class_weights`, `must_fit` of `facts`.
    """
    trained = keras.Variable(0.0, trainable=False, name="trained")
    optimiser = make_optimiser(settings, hvd.size(), trained)
    augmentation = make_augmentation(settings.seed)
    trainer = Trainer(
        model,
        optimiser,
        augmentation,
        class_weights=weighting,
        label_smoothing=settings.label_smoothing,
        reduction=Reduction(settings.gradient_compression),
        trained=trained,
    )
    random = random_states([model, augmentation])
    state = checkpoints.State(
        variables=[*model.weights, *optimiser.variables],
        random=random,
        statistics=trainer.statistics,
        progress=Progress(EarlyStopping(settings.early_stopping_patience)),
        facts=must_fit,
    )
    broadcast(state.variables)
    seed(random, settings.seed, hvd.rank())
    return trainer, state


def write(  # noqa: PLR0913 - all that a model leaves is made of these
    folders: Folders,
    settings: Settings,
    model: keras.Model,
    labels: list[str],
    validation: Share,
    *,
    progress: Progress,
) -> None:
    """Writes the model and what lies beside it, on rank 0; every worker has to call it."""
    digests = equal_weights(model)
    read = hvd.allgather_object(progress.read, name="records_read")
    images = _golden_images(validation, len(labels))
    if hvd.rank() != 0:
        return
    shutil.rmtree(folders.staging, ignore_errors=True)
    folders.staging.mkdir()
    export(model, labels, settings, folders.staging)
    write_golden(folders.staging, labels, images, settings.image_size)
    summarise(
        folders.staging,
        settings,
        cluster=read_cluster(folders.config / "resourceconfig.json"),
        progress=progress,
        labels=labels,
        weights=digests,
        read=read,
    )
    deliver(folders.staging, folders.model)


def _golden_images(validation: Share, classes: int) -> np.ndarray:
    """Of the first host that has some; each worker has to call it."""
    having = hvd.allgather_object(len(validation.held(1)) > 0, name="golden_hosts")
    root = having.index(True)
    mine = golden_images(validation, classes) if hvd.rank() == root else None
    images: np.ndarray = hvd.broadcast_object(mine, root, name="golden_images")
    return images


def prepare(settings: Settings) -> None:
    """Devices, precision and seeds; one worker a GPU.

    Raises:
        UserError: this is the image for GPUs, and there are fewer than workers.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if tf.test.is_built_with_cuda() and len(gpus) < hvd.local_size():
        raise UserError(
            f"This image trains on GPUs, one a worker, and the host has {len(gpus)} for "
            f"{hvd.local_size()} workers: give the job an instance type with as many, lower "
            "workers_per_host, or build the image with accelerator cpu; where it should have them, "
            "its driver is too old for this TensorFlow."
        )
    if gpus:
        tf.config.set_visible_devices(gpus[hvd.local_rank() % len(gpus)], "GPU")
    keras.mixed_precision.set_dtype_policy(settings.precision)
    keras.utils.set_random_seed(settings.seed)
    if settings.deterministic:
        tf.config.experimental.enable_op_determinism()


def read_channel(folders: Folders, name: str, settings: Settings) -> Share:
    """This worker's share of a channel.

    Raises:
        UserError: the channel can't be used.
    """
    index, worker = folders.channel("index") / name, Worker.of_horovod()
    return find_share(
        folders.channel(name), index, settings.image_size, worker, settings.window_bytes
    )


def read_labels(file: Path) -> list[str]:
    """The class labels by their encoding.

    Raises:
        UserError: the label map is not there.
    """
    try:
        labels: list[str] = json.loads(file.read_text(encoding="utf-8"))["labels"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"The labels cannot be read from {file}: {error!r}.") from error
    return labels


def facts(
    settings: Settings, labels: list[str], training: Share, validation: Share
) -> dict[str, object]:
    """What a checkpoint must share with the job that goes on from it."""
    free = {
        *("log_records", "checkpoint_seconds", "workers_per_host", "batch_size"),
        *("input_mode", "shuffle_megabytes"),
    }
    return {
        **settings.model_dump(exclude=free),
        "labels": labels,
        "training records": training.records.count,
        "validation records": validation.records.count,
    }
