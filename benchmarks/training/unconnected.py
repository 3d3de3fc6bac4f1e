"""Stepper: plain TensorFlow in one process, with nobody to wait for.

Usage: python -m benchmarks.training.unconnected BATCH
"""

from __future__ import annotations

import sys

import keras
import tensorflow as tf

from benchmarks.training.stepper import CLASSES, NETWORK, SIDE, labels, pixels, serve
from training.models import build_network


def main(batch: int) -> None:
    keras.utils.set_random_seed(1)
    model = build_network(NETWORK, SIDE, CLASSES)
    optimiser = keras.optimizers.Adam(1e-3)
    optimiser.build(model.trainable_variables)
    images, truth = tf.constant(pixels(batch)), tf.constant(labels(batch))

    @tf.function
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = model(tf.cast(images, tf.float32), training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(truth, logits))
        optimiser.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    serve(lambda: {"loss": float(step())})


if __name__ == "__main__":
    main(int(sys.argv[1]))
