"""A worker of test_fit: one step of a small model on its share of five records.

Usage: python mean_of_gradients.py FOLDER; writes the weights to FOLDER/{before,after}-<rank>.npy.
"""

import sys
from pathlib import Path

import horovod.tensorflow as hvd
import keras
import numpy as np
import tensorflow as tf

from training.fit import Trainer, broadcast, equal_weights
from training.reduction import Reduction

RECORDS = 5
# Less than the kernel and the bias: several buckets.
BUCKET_BYTES = 64
BATCH = 4


def main(folder: Path) -> None:
    hvd.init()
    keras.utils.set_random_seed(hvd.rank())
    generator = np.random.default_rng(1)
    # Dark, so that no softmax is saturated and every record moves the weights.
    images = generator.integers(0, 4, (RECORDS, 2, 2, 3)).astype(np.uint8)
    labels = generator.integers(0, 3, RECORDS)

    model = keras.Sequential(
        [keras.Input([2, 2, 3]), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    trainer = Trainer(
        model,
        keras.optimizers.SGD(0.1),
        keras.layers.Identity(),
        class_weights=np.ones(3, np.float32),
        reduction=Reduction(bucket_bytes=BUCKET_BYTES),
    )
    broadcast(model.weights)
    np.save(folder / f"before-{hvd.rank()}.npy", model.get_weights()[0])
    (batch,) = share(images, labels, list(range(hvd.rank(), RECORDS, hvd.size())))
    trainer.train(batch)
    equal_weights(model)
    np.save(folder / f"after-{hvd.rank()}.npy", model.get_weights()[0])


def share(images: np.ndarray, labels: np.ndarray, mine: list[int]) -> tf.data.Dataset:
    """One batch, filled up with records that would do harm if they counted."""
    spare = BATCH - len(mine) if hvd.size() > 1 else 0
    pixels = np.concatenate([images[mine], np.full((spare, 2, 2, 3), 3, np.uint8)])
    classes = np.concatenate([labels[mine], np.full(spare, 2)])
    weights = np.array([1.0] * len(mine) + [0.0] * spare, np.float32)
    keys = np.array(["key"] * len(weights))
    return tf.data.Dataset.from_tensors((pixels, classes, weights, keys))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
