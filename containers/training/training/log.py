"""What a training says while it runs: a line an epoch for CloudWatch, curves for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from training.folders import Folders
from training.settings import Settings


class Log:
    """The job's metric definitions find ` name=number` in the line of an epoch.

    Attributes:
        enabled: this is rank 0, which alone speaks and draws.
    """

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
        if self._enabled:
            print(sentence, flush=True)

    def epoch(self, entry: Mapping[str, Any]) -> None:
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
