"""TFRecord files to batches: each record is read by exactly one worker an epoch.

The records of all files, in the order of file names, have one numbering; rank r of n workers takes
the numbers r, r + n, r + 2n, ... however the records lie in files. Every worker takes the same
number of steps: its last batches are filled up with blanks of weight 0, so that no one waits for
ever in an allreduce.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import tensorflow as tf

from training.errors import UserError

# A TFRecord: length (8 bytes), its checksum (4), the data, their checksum (4).
# https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
_HEADER, _FOOTER = 12, 4
_GZIP = ".gz"
_SHUFFLE_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Share:
    """What one worker reads of a channel.

    :param files: all TFRecord files of the channel, by name.
    :param count: records in them all.
    :param image_size: side of their images, in pixels.
    """

    files: tuple[str, ...]
    count: int
    image_size: int
    rank: int
    size: int

    @property
    def mine(self) -> int:
        """How many records this worker reads an epoch."""
        return len(range(self.rank, self.count, self.size))

    def steps(self, batch_size: int) -> int:
        """Steps an epoch, the same on every worker."""
        return math.ceil(math.ceil(self.count / self.size) / batch_size)


def find_share(folder: Path, channel: str, image_size: int, rank: int, size: int) -> Share:
    """:raises UserError: the channel in `folder` has no records, images of another size, or a file
    that breaks off.
    """
    files = sorted([*folder.rglob("*.tfrecord"), *folder.rglob(f"*.tfrecord{_GZIP}")])
    counts = {file: sum(1 for _ in _lengths(file)) for file in files}
    if not any(counts.values()):
        raise UserError(
            f"The channel {channel} has no records in {folder}: look into the step ShardImages."
        )
    _check_size(next(file for file in files if counts[file]), image_size)
    names = tuple(str(file) for file in files)
    return Share(names, sum(counts.values()), image_size, rank, size)


def batches(share: Share, batch_size: int, shuffle_seed: int | None = None) -> tf.data.Dataset:
    """`(image, label, weight, key)` batches of exactly `batch_size`, as many as `share.steps`.

    :param shuffle_seed: the order of the records follows from it; None keeps the files' order.
    :return: image uint8 [batch, size, size, 3], label int64 [batch], weight float32 [batch], key
        string [batch].
    """
    records = _records(share.files).shard(share.size, share.rank)
    if shuffle_seed is not None:
        most = max(1_000, _SHUFFLE_BYTES // (share.image_size**2 * 3))
        buffer = min(max(share.mine, 1), most)
        records = records.shuffle(buffer, seed=shuffle_seed, reshuffle_each_iteration=False)
    parsed = records.map(lambda record: _parse(record, share.image_size), num_parallel_calls=2)
    blanks = tf.data.Dataset.from_tensors(_blank(share.image_size)).repeat(
        share.steps(batch_size) * batch_size - share.mine
    )
    options = tf.data.Options()
    # Its sleeps, which double, would hold up the end of an epoch.
    options.autotune.enabled = False
    options.deterministic = True
    whole = parsed.concatenate(blanks).batch(batch_size, drop_remainder=True)
    return whole.prefetch(2).with_options(options)


def _records(files: tuple[str, ...]) -> tf.data.Dataset:
    if not any(file.endswith(_GZIP) for file in files):
        return tf.data.TFRecordDataset(list(files))
    compressions = ["GZIP" if file.endswith(_GZIP) else "" for file in files]
    named = tf.data.Dataset.from_tensor_slices((list(files), compressions))
    return named.flat_map(lambda file, kind: tf.data.TFRecordDataset(file, compression_type=kind))


def _parse(record: tf.Tensor, image_size: int) -> tuple[tf.Tensor, ...]:
    features = tf.io.parse_single_example(
        record,
        {
            "image": tf.io.FixedLenFeature([], tf.string),
            "label": tf.io.FixedLenFeature([], tf.int64),
            "key": tf.io.FixedLenFeature([], tf.string),
        },
    )
    pixels = tf.io.decode_raw(features["image"], tf.uint8)
    image = tf.reshape(pixels, [image_size, image_size, 3])
    return image, features["label"], tf.ones([], tf.float32), features["key"]


def _blank(image_size: int) -> tuple[tf.Tensor, ...]:
    return (
        tf.zeros([image_size, image_size, 3], tf.uint8),
        tf.zeros([], tf.int64),
        tf.zeros([], tf.float32),
        tf.constant(""),
    )


def _check_size(file: Path, image_size: int) -> None:
    record = next(iter(_records((str(file),)))).numpy()
    (pixels,) = tf.train.Example.FromString(record).features.feature["image"].bytes_list.value
    if len(pixels) != image_size**2 * 3:
        raise UserError(
            f"The first record of {file} holds {len(pixels)} bytes of pixels, and an image_size of "
            f"{image_size} asks for {image_size**2 * 3}: make image_size the size of ShardImages."
        )


def _lengths(file: Path) -> Iterator[int]:
    """The length of each record in bytes, without keeping the records."""
    try:
        with _open(file) as records:
            while header := records.read(_HEADER):
                length = struct.unpack("<Q", header[:8])[0] if len(header) == _HEADER else 0
                # A seek beyond the end succeeds, so the last byte is read.
                records.seek(length + _FOOTER - 1, 1)
                if len(header) < _HEADER or not records.read(1):
                    raise EOFError
                yield length
    except (EOFError, OSError, OverflowError, zlib.error) as error:
        raise UserError(f"{file} breaks off in the middle of a record: make it again.") from error


def _open(file: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(file)) if file.name.endswith(_GZIP) else file.open("rb")
