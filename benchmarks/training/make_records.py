"""Writes records as ShardImages does, of a folder of pictures: FOLDER SHARDS SIDE COPIES.

With the digits' folder these are the digits; photographs come from `benchmarks.plainly.photos`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import tensorflow as tf
from PIL import Image


def main(pictures: Path, shards: Path, side: int, copies: int) -> None:
    files = sorted(file for file in pictures.rglob("*.jpg"))
    names = sorted({file.parent.name for file in files})
    shards.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(shards / "train-00000-of-00001.tfrecord")) as writer:
        for file in files:
            pixels = Image.open(file).convert("RGB").resize((side, side), Image.Resampling.BOX)
            record = _example(pixels.tobytes(), names.index(file.parent.name) % 10, file.name)
            for _ in range(copies):
                writer.write(record)


def _example(image: bytes, label: int, key: str) -> bytes:
    features = {
        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[image])),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
        "key": tf.train.Feature(bytes_list=tf.train.BytesList(value=[key.encode()])),
    }
    made: bytes = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
    return made


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
