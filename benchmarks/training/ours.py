"""Stepper: a worker of ours. Usage: python -m benchmarks.training.ours BATCH"""

from __future__ import annotations

import sys

import horovod.tensorflow as hvd
import keras
import numpy as np
import tensorflow as tf

from benchmarks.training.stepper import CLASSES, NETWORK, SIDE, labels, pixels, serve
from training.fit import Trainer, broadcast
from training.models import build_network
from training.optimiser import make_optimiser
from training.settings import Settings


def main(batch: int) -> None:
    hvd.init()
    keras.utils.set_random_seed(1)
    settings = Settings(image_size=SIDE, model=NETWORK)
    model = build_network(NETWORK, SIDE, CLASSES)
    optimiser = make_optimiser(settings, hvd.size(), 10_000)
    identity = keras.layers.Identity()
    trainer = Trainer(model, optimiser, identity, class_weights=np.ones(CLASSES, np.float32))
    broadcast([*model.weights, *optimiser.variables])
    given = tf.constant(pixels(batch)), tf.constant(labels(batch)), tf.ones(batch)
    serve(lambda: {"communication": trainer.train(given).communication_seconds})


if __name__ == "__main__":
    main(int(sys.argv[1]))
