"""What a record of each class counts in the loss."""

import horovod.tensorflow as hvd
import numpy as np
import tensorflow as tf

from training.common.container import UserError, operation
from training.data.batches import Share
from training.data.records import Reader

# More than a label takes with its name, and than the tags and lengths before an image.
_SHORT = 32
_FIRST_FIELD = 0x0A


def class_weights(kind: str, share: Share, classes: int) -> np.ndarray:
    """float32 [classes]; their mean over the channel's records is 1.

    `balanced` counts the classes first, each worker those of its share: weight = records / (classes
    x records of the class), as scikit-learn's `compute_class_weight` has it. A class without
    records has weight 0.

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
    """The labels of the share's records in the order of the files, int64 [mine].

    Images are not read, so that damage to one is found by the epoch that reads it.
    """
    with Reader(share.records) as reader:
        layout = share.layout
        mine = range(layout.rank, layout.count, layout.workers[layout.group])
        return np.fromiter((_label(reader, number) for number in mine), np.int64, len(mine))


def _label(reader: Reader, number: int) -> int:
    features = _short_features(reader, number)
    if "label" not in features.feature:
        features = tf.train.Example.FromString(reader.read([number])[0]).features
    (label,) = features.feature["label"].int64_list.value
    return int(label)


def _short_features(reader: Reader, number: int) -> tf.train.Features:
    """Those of a record's features that take few bytes; none where it is written in another way.

    An Example is one field, its features, and these one field each, of which long ones are skipped:
    https://protobuf.dev/programming-guides/encoding/#maps
    """
    found, end = tf.train.Features(), reader.length(number)
    place, size = _field(reader.part(number, 0, _SHORT))
    if place + size != end:
        return found
    while place < end:
        head = reader.part(number, place, _SHORT)
        before, size = _field(head)
        if not before:
            return tf.train.Features()
        if before + size <= len(head):
            found.MergeFromString(head[: before + size])
        place += before + size
    return found


def _field(data: bytes) -> tuple[int, int]:
    """How many bytes the tag and the length of a message's first field take, and that length.

    0 bytes where it is another field.
    """
    if data[:1] != bytes([_FIRST_FIELD]):
        return 0, 0
    size = 0
    for place, digit in enumerate(data[1:6]):
        size |= (digit & 0x7F) << (7 * place)
        if digit < 0x80:
            return place + 2, size
    return 0, 0
