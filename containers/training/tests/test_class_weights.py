"""What a record of each class counts, by the labels of the indexes alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from jobs import index_of, write_files

from training.common.container import UserError
from training.data import class_weights
from training.data.batches import batches
from training.data.channel import Share, Worker, find_share
from training.data.class_weights import class_weights as weights_of

SIDE = 64
# The last two look like a label's name, and like a whole label 9.
KEYS = ["d/1/a.jpg", "label", "\n\x05label\x12\x05\x1a\x03\n\x01\x09"]
LABELS = [0, 3, 300, 3, 2**31 - 1, 0, 0, 1, 3, 77, 0] * 3


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """A single worker, which exchanges nothing."""
    monkeypatch.setattr(class_weights.hvd, "allreduce", lambda counts, **_: counts)


def record(label: int, key: str, order: list[str]) -> bytes:
    """An example with its features in `order`; ShardImages has image, key, label."""
    image = np.full((SIDE, SIDE, 3), 7, np.uint8).tobytes()
    values = {
        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[image])),
        "key": tf.train.Feature(bytes_list=tf.train.BytesList(value=[key.encode()])),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
    }
    # Messages that follow one another are merged to one.
    return b"".join(
        tf.train.Example(
            features=tf.train.Features(feature={name: values[name]})
        ).SerializeToString()
        for name in order
    )


def shard_images(label: int, key: str) -> bytes:
    """The very bytes of ShardImages: protobuf's deterministic serialisation."""
    merged = tf.train.Example.FromString(record(label, key, ["image", "key", "label"]))
    return merged.SerializeToString(deterministic=True)


def share_of(folder: Path, records: list[bytes], rank: int = 0, size: int = 1) -> Share:
    labels = [
        tf.train.Example.FromString(data).features.feature["label"].int64_list.value[0]
        for data in records
    ]
    write_files(folder, [list(zip(records, labels, strict=True))])
    return find_share(folder, index_of(folder), SIDE, Worker(rank, size))


def parsed(share: Share) -> list[int]:
    """The labels as training reads them."""
    return [
        label
        for _, labels, weights, _ in batches(share, 4)
        for label in labels.numpy()[weights.numpy() > 0].tolist()
    ]


def test_workers_together_find_the_labels_that_training_reads(tmp_path):
    records = [shard_images(label, KEYS[n % 3] * n) for n, label in enumerate(LABELS)]
    folder = tmp_path / "train"
    write_files(folder, [[(data, label)] for data, label in zip(records, LABELS, strict=True)])
    workers = [find_share(folder, index_of(folder), SIDE, Worker(rank, 3)) for rank in range(3)]
    found = [label for share in workers for label in class_weights._labels(share).tolist()]
    read = [label for share in workers for label in parsed(share)]
    assert sorted(found) == sorted(read) == sorted(LABELS)


def test_balanced_weights_are_those_of_the_classes_share(tmp_path):
    labels = [0] * 6 + [2] * 3 + [3]
    share = share_of(tmp_path / "train", [shard_images(label, "k") for label in labels])
    expected = [10 / (3 * 6), 0, 10 / (3 * 3), 10 / 3]
    np.testing.assert_allclose(weights_of("balanced", share, 4), expected, rtol=1e-6)
    assert weights_of("none", share, 4).tolist() == [1, 1, 1, 1]


def test_a_label_that_is_none_of_the_labels_is_refused(tmp_path):
    share = share_of(tmp_path / "train", [shard_images(4, "k")])
    with pytest.raises(UserError, match="has the encoded label 4, and there are 4 labels"):
        weights_of("balanced", share, 4)


def test_no_image_is_read_for_a_label(tmp_path):
    share = share_of(tmp_path / "train", [shard_images(label, "k") for label in LABELS])
    before = bytes_read()
    class_weights._labels(share)
    assert bytes_read() - before < len(LABELS) * SIDE * SIDE


def bytes_read() -> int:
    """By all calls of this process (proc_pid_io(5))."""
    said = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(said["rchar"])
