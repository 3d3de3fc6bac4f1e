"""Stepper: Horovod as its examples use it, a message a tensor. Usage: … untuned BATCH

Run with HOROVOD_CYCLE_TIME=1, Horovod's own default.
"""

from __future__ import annotations

import sys

import horovod.tensorflow as hvd
import keras
import tensorflow as tf

from benchmarks.training.stepper import CLASSES, NETWORK, SIDE, labels, pixels, serve
from training.models import build_network


def main(batch: int) -> None:
    hvd.init()
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
        gradients = tape.gradient(loss, model.trainable_variables)
        gradients = hvd.grouped_allreduce(gradients, op=hvd.Average)
        optimiser.apply(gradients, model.trainable_variables)
        return loss

    serve(lambda: {"loss": float(step())})


if __name__ == "__main__":
    main(int(sys.argv[1]))
