"""Epoch after epoch: training, validation, the log, checkpoints, and when to end."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import horovod.tensorflow as hvd
import keras
import tensorflow as tf

from training import checkpoints
from training.common.container import Folders, Stop, Stopped, UserError
from training.data.batches import batches, training_batches
from training.data.channel import Share
from training.fit import Step, Trainer
from training.progress import Totals
from training.settings import Settings


class Log:
    """Rank 0 alone speaks and draws; metric definitions find ` name=number` in an epoch's line."""

    def __init__(self, folders: Folders, settings: Settings, *, enabled: bool) -> None:
        self._folders = folders
        self._writer = tf.summary.create_noop_writer()
        self._enabled = enabled
        if enabled:
            self._writer = tf.summary.create_file_writer(str(folders.tensorboard))
            with self._writer.as_default():
                facts = "".join(f"| {k} | {v} |\n" for k, v in settings.model_dump().items())
                table = f"| hyperparameter | value |\n|---|---|\n{facts}"
                tf.summary.text("hyperparameters", table, step=0)

    def say(self, sentence: str) -> None:
        """Prints a line, on rank 0."""
        if self._enabled:
            print(sentence, flush=True)

    def epoch(self, entry: Mapping[str, Any]) -> None:
        """Prints and draws an epoch's figures, on rank 0."""
        shown = (f"{name}={value:.5g}" for name, value in entry.items() if name != "seconds")
        self.say(" ".join(shown))
        with self._writer.as_default():
            for name, value in entry.items():
                if name != "epoch":
                    tf.summary.scalar(_group(name), value, step=entry["epoch"])
        self._writer.flush()

    def records(self, epoch: int, rank: int, keys: Sequence[bytes]) -> None:
        """Adds the keys that a rank read in a step to its file of the epoch."""
        folder = self._folders.data / "records"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"epoch-{epoch}-rank-{rank}.txt").open("ab") as file:
            file.writelines(key + b"\n" for key in keys)


def _group(name: str) -> str:
    """TensorBoard draws training and validation of one figure in one section."""
    if name.startswith("validation_"):
        return f"{name.removeprefix('validation_')}/validation"
    return f"{name}/training" if name in ("loss", "accuracy") else f"speed/{name}"


Batch = tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]


@dataclass
class Epochs:
    """Runs what is left of a training; when a worker is asked to stop, all write a checkpoint after
    the same step and raise `Stopped`.
    """

    model: keras.Model
    trainer: Trainer
    settings: Settings
    state: checkpoints.State
    folders: Folders
    log: Log
    stop: Stop

    def run(self, training: Share, validation: Share) -> None:
        """Trains to the end.

        Raises:
            UserError: the loss is no number any more, or a checkpoint can't be written.
            Stopped: a worker was asked to stop.
        """
        progress, settings = self.state.progress, self.settings
        stream = iter(
            training_batches(
                training,
                settings.batch_size,
                seed=settings.seed,
                epochs=settings.epochs,
                epoch=progress.epoch,
                rest=progress.rest,
            )
        )
        held_out = batches(validation, settings.batch_size)
        validation_steps = validation.order(settings.batch_size).steps
        self._saved = time.monotonic()
        while progress.epoch < settings.epochs and not progress.ended:
            self._train(stream, training)
            self.trainer.average_statistics(counted=progress.totals.records > 0)
            totals = self._validate(held_out, validation_steps)
            entry = _entry(progress.epoch, progress.totals, totals)
            self.log.epoch(entry)
            weights = self.model.get_weights() if settings.early_stopping_patience else []
            progress.ended = progress.early_stopping.watch(
                progress.epoch, totals.mean_loss, weights
            )
            progress.next_epoch(entry)
            progress.ended = progress.ended or progress.epoch == settings.epochs
            if progress.ended and progress.early_stopping.best_weights:
                self.model.set_weights(progress.early_stopping.best_weights)
            self._save()

    def _train(self, stream: Iterator[Batch], share: Share) -> None:
        progress, settings = self.state.progress, self.settings
        key = settings.seed, progress.epoch
        order = share.order(settings.batch_size, *key, rest=progress.rest)
        for step in range(order.steps):
            trained = (progress.epoch + order.share_read(step)) / settings.epochs
            save = hvd.rank() == 0 and self._due()
            done = self._step(
                stream, progress.totals, partial(self.trainer.train, trained=trained, save=save)
            )
            progress.step, progress.rest = progress.step + 1, order.rest(step + 1)
            self._obey(done)

    def _validate(self, dataset: Iterable[Batch], steps: int) -> Totals:
        totals, stream = Totals(), iter(dataset)
        for _ in range(steps):
            # Asked to stop, what was validated so far is done again; the epoch's training is not.
            self._obey(self._step(stream, totals, self.trainer.validate))
        return totals

    def _step(self, stream: Iterator[Batch], totals: Totals, run: Callable[..., Step]) -> Step:
        began = time.perf_counter()
        batch = next(stream)
        totals.input_seconds += time.perf_counter() - began
        done = run(batch, stop=self.stop.asked)
        totals.add(done.loss, done.correct, done.count, done.weight)
        totals.communication_seconds += done.communication_seconds
        totals.seconds += time.perf_counter() - began
        real = batch[2].numpy() > 0
        totals.records += int(real.sum())
        if self.settings.log_records and totals is self.state.progress.totals:
            self.log.records(self.state.progress.epoch, hvd.rank(), batch[3].numpy()[real])
        return done

    def _obey(self, done: Step) -> None:
        if not math.isfinite(done.loss):
            progress = self.state.progress
            raise UserError(
                f"The loss is not finite any more in epoch {progress.epoch}, step {progress.step}: "
                "lower the hyperparameter learning_rate."
            )
        if done.stop or done.save:
            self._save()
        if done.stop:
            raise Stopped

    def _due(self) -> bool:
        seconds = self.settings.checkpoint_seconds
        return bool(seconds) and time.monotonic() - self._saved > seconds

    def _save(self) -> None:
        checkpoints.save(self.folders.checkpoints, self.state)
        self._saved = time.monotonic()


def _entry(epoch: int, training: Totals, validation: Totals) -> dict[str, Any]:
    """The epoch as `training.json` keeps it and the log tells it."""
    speed = training.count / training.seconds if training.seconds else 0.0
    return {
        "epoch": epoch,
        "loss": training.mean_loss,
        "accuracy": training.accuracy,
        "validation_loss": validation.mean_loss,
        "validation_accuracy": validation.accuracy,
        "seconds": training.seconds + validation.seconds,
        "images_per_second": speed,
        "images_per_second_per_worker": speed / hvd.size(),
        **training.shares(),
    }
