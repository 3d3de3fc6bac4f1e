"""Makes and runs small evaluations: real SavedModels, real launchers, real Horovod workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from jobs import PACKAGE, SIZE, write_files

from training.export import export
from training.settings import Settings

LABELS = ("dark", "grey", "light")
ARN = "arn:aws:sagemaker:us-east-1:0:model-package/g/1"


def write_test_channel(folder: Path, shards: Sequence[int], size: int = SIZE) -> list[str]:
    """Images of noise around a brightness that tells the class, mostly; gives all keys."""
    random = np.random.default_rng(7)
    keys = []
    files: list[list[tuple[bytes, int]]] = []
    for shard, count in enumerate(shards):
        files.append([])
        for number in range(count):
            label = int(random.integers(3))
            brightness = 60 + 65 * label + random.normal(0, 25)
            noise = random.normal(brightness, 10, [size, size, 3])
            keys.append(f"drop/{LABELS[label]}/é <b> {shard} {number}.jpg")
            made = record(noise.clip(0, 255).astype(np.uint8), label, keys[-1])
            files[-1].append((made, label))
    write_files(folder, files)
    return keys


def record(image: np.ndarray, label: int, key: str) -> bytes:
    features = {
        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[image.tobytes()])),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
        "key": tf.train.Feature(bytes_list=tf.train.BytesList(value=[key.encode()])),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def by_brightness(levels: Sequence[float], size: int = SIZE) -> keras.Model:
    """A network whose class is the nearest of `levels`, through layers whose sums are rounded."""
    images = keras.Input([size, size, 3])
    # A weighted mean, in 64 parts: sums that a kernel rounds by the order it takes them in.
    flat = keras.layers.Flatten()(images)
    hidden = keras.layers.Dense(64, use_bias=False)(flat)
    logits = keras.layers.Dense(len(levels))(hidden)
    model = keras.Model(images, logits)
    # Logit of a level l at brightness b: (2 l b - l²) / 1000.
    steady = np.array(levels, np.float32)
    inputs = size * size * 3
    spread = np.random.default_rng(1).uniform(0.5, 1.5, [inputs, 64]).astype(np.float32)
    spread /= spread.sum()
    model.layers[2].set_weights([spread])
    model.layers[-1].set_weights(
        [
            np.tile(2 * steady / 1000, [64, 1]),
            -(steady**2) / 1000,
        ]
    )
    return model


def write_archive(
    archive: Path,
    model: keras.Model,
    labels: Sequence[str] = LABELS,
    size: int = SIZE,
    **claims: object,
) -> None:
    """The `model.tar.gz` that TrainModel would make of it.

    Args:
        claims: what `model.json` says instead of the truth.
    """
    archive.parent.mkdir(parents=True, exist_ok=True)
    folder = archive.parents[3] / "made" / archive.parent.name
    folder.mkdir(parents=True)
    export(model, list(labels), Settings(image_size=size), folder)
    description = folder / "model.json"
    description.write_text(json.dumps(json.loads(description.read_text()) | claims))
    with tarfile.open(archive, "w:gz") as content:
        content.add(folder, ".")


@dataclass
class Evaluation:
    """A processing job's hosts in one folder; each has the same inputs, as on SageMaker.

    Attributes:
        inputs: what the hosts' inputs are copies of.
    """

    folder: Path
    inputs: Path
    hosts: int = 1
    workers: int = 1
    names_after: str = "0"
    log: str = field(default="", init=False)

    def run(self) -> int:
        names = [f"algo-{number}" for number in range(1, self.hosts + 1)]
        for name in names:
            root = self.folder / name
            (root / "config").mkdir(parents=True)
            # A processing job is not told the network interface.
            hosts = {"current_host": name, "hosts": names}
            (root / "config" / "resourceconfig.json").write_text(json.dumps(hosts))
            (root / "processing").mkdir()
            (root / "processing" / "input").symlink_to(self.inputs)
        code = self._unshared()
        self.log = "".join((self.folder / f"{name}.log").read_text() for name in names)
        return code

    def message(self) -> str:
        return (self.folder / "algo-1" / "output" / "message").read_text()

    def outputs(self, host: int = 1) -> dict[str, bytes]:
        folder = self.folder / f"algo-{host}" / "processing" / "output" / "evaluation"
        return {file.name: file.read_bytes() for file in folder.iterdir()}

    def metrics(self) -> dict:
        return json.loads(self.outputs()["evaluation.json"])

    def predictions(self) -> list[dict]:
        return [json.loads(line) for line in self.outputs()["predictions.jsonl"].splitlines()]

    def _unshared(self) -> int:
        root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        kinds = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
        group = str(PACKAGE / "tests" / "evaluation_group.py")
        return subprocess.run(
            [
                *("unshare", *root, *kinds, sys.executable, group),
                *(str(self.folder), str(self.hosts), str(self.workers)),
            ],
            cwd=PACKAGE,
            env=os.environ
            | {"PYTHONPATH": os.pathsep.join([str(PACKAGE), *sys.path])}
            | {"NAMES_AFTER": self.names_after},
            timeout=300,
            check=False,
        ).returncode
