"""Writes what training would: a model folder, of a network with random weights. FOLDER RECORDS

Beside it `network.keras`, the same network as Keras itself loads it. Runs in training's
environment.
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from training.data.batches import find_share
from training.data.records import find_records
from training.export import export, write_golden
from training.models import build_network
from training.settings import Settings

# The quickest of the package's networks at this size: a slower one would hide what a server costs.
NETWORK = "mobilenet_v3_small"
SIDE, CLASSES = 224, 10
SPREAD = 2.0  # standard deviation of a logit over photographs


def main(folder: Path, records: Path) -> None:
    keras.utils.set_random_seed(1)
    network = build_network(NETWORK, SIDE, CLASSES)
    _tell_apart(network, _pixels(records))
    folder.mkdir(parents=True)
    labels = [f"class-{number}" for number in range(CLASSES)]
    export(network, labels, Settings(image_size=SIDE, model=NETWORK), folder)
    write_golden(folder, labels, find_share(find_records(records, "train"), "train", SIDE, 0, 1))
    network.save(folder / "network.keras")


def _pixels(records: Path) -> np.ndarray:
    """Of all records: uint8 [n, SIDE, SIDE, 3]."""
    data = tf.data.TFRecordDataset([str(file) for file in records.iterdir()])
    features = [tf.train.Example.FromString(each.numpy()).features.feature for each in data]
    raw = b"".join(each["image"].bytes_list.value[0] for each in features)
    return np.frombuffer(raw, np.uint8).reshape(-1, SIDE, SIDE, 3)


def _tell_apart(network: keras.Model, pixels: np.ndarray) -> None:
    """Makes photographs get different answers: those of random weights are all but equal, and no
    check would see that two servers answer differently.
    """
    logits = network.predict(pixels.astype(np.float32), verbose=0)
    kernel, bias = network.layers[-1].get_weights()
    scale = SPREAD / logits.std(axis=0)
    network.layers[-1].set_weights([kernel * scale, (bias - logits.mean(axis=0)) * scale])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
