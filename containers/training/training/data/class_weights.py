"""What a record of each class counts in the loss."""

import horovod.tensorflow as hvd
import numpy as np
import tensorflow as tf

from records.index import open_index
from training.common.container import UserError, operation
from training.data.channel import Share
from training.data.records import damage_explained


def class_weights(kind: str, share: Share, classes: int) -> np.ndarray:
    """float32 [classes]; their mean over the channel's records is 1.

    `balanced` counts the classes first, each worker those of some files: weight = records /
    (classes x records of the class), as scikit-learn's `compute_class_weight` has it. A class
    without records has weight 0.

    Raises:
        UserError: a record's class is not among the labels.
    """
    if kind == "none":
        return np.ones(classes, np.float32)
    mine = _labels(share)
    if mine.size and mine.max() >= classes:
        raise UserError(
            f"A record has the encoded label {mine.max()}, and there are {classes} labels: the "
            "channels train and labels must come from one execution."
        )
    counts = np.bincount(mine, minlength=classes)
    counts = hvd.allreduce(tf.constant(counts), op=hvd.Sum, name=operation("class_counts")).numpy()
    present = np.maximum(counts, 1) * max(1, int((counts > 0).sum()))
    return np.where(counts > 0, counts.sum() / present, 0.0).astype(np.float32)


def _labels(share: Share) -> np.ndarray:
    """The labels of every n-th file's records, of n workers, as the indexes tell them, int64."""
    mine = share.records.indexes[share.worker.rank :: share.worker.size]
    with damage_explained():
        labels = [open_index(index)["label"].astype(np.int64) for index in mine]
    return np.concatenate([np.zeros(0, np.int64), *labels])
