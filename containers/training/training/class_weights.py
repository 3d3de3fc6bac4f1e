"""What a record of each class counts in the loss."""

from __future__ import annotations

import horovod.tensorflow as hvd
import numpy as np
import tensorflow as tf

from training.data import Share, batches
from training.errors import UserError, operation

_BATCH = 256


def class_weights(kind: str, share: Share, classes: int) -> np.ndarray:
    """float32 [classes]; their mean over the channel's records is 1.

    `balanced` counts the classes first, each worker those of its share: weight = records / (classes
    x records of the class), as scikit-learn's `compute_class_weight` has it. A class without
    records has weight 0.

    :raises UserError: a record's class is not among the labels.
    """
    if kind == "none":
        return np.ones(classes, np.float32)
    counts = np.zeros(classes, np.int64)
    for _, labels, weights, _ in batches(share, _BATCH):
        mine = labels.numpy()[weights.numpy() > 0]
        if mine.size and mine.max() >= classes:
            raise UserError(
                f"A record has the encoded label {mine.max()}, and there are {classes} labels: the "
                "channels train and labels must come from one execution."
            )
        counts += np.bincount(mine, minlength=classes)
    counts = hvd.allreduce(tf.constant(counts), op=hvd.Sum, name=operation("class_counts")).numpy()
    present = np.maximum(counts, 1) * max(1, int((counts > 0).sum()))
    return np.where(counts > 0, counts.sum() / present, 0.0).astype(np.float32)
