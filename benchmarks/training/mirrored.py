"""Stepper: a worker of `tf.distribute.MultiWorkerMirroredStrategy`, as its tutorial sets it up.

https://www.tensorflow.org/tutorials/distribute/multi_worker_with_ctl
Usage: python -m benchmarks.training.mirrored BATCH, with TF_CONFIG set.
"""

from __future__ import annotations

import sys

import keras
import tensorflow as tf

from benchmarks.training.stepper import CLASSES, NETWORK, SIDE, labels, pixels, serve
from training.models import build_network


def main(batch: int) -> None:
    options = tf.distribute.experimental.CommunicationOptions(
        implementation=tf.distribute.experimental.CommunicationImplementation.RING
    )
    strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    keras.utils.set_random_seed(1)
    with strategy.scope():
        model = build_network(NETWORK, SIDE, CLASSES)
        optimiser = keras.optimizers.Adam(1e-3)
        optimiser.build(model.trainable_variables)
    images, truth = tf.constant(pixels(batch)), tf.constant(labels(batch))
    workers = strategy.num_replicas_in_sync

    def replica() -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = model(tf.cast(images, tf.float32), training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(truth, logits))
            part = loss / workers
        optimiser.apply(tape.gradient(part, model.trainable_variables), model.trainable_variables)
        return part

    @tf.function
    def step() -> tf.Tensor:
        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(replica), axis=None)

    serve(lambda: {"loss": float(step())})


if __name__ == "__main__":
    main(int(sys.argv[1]))
