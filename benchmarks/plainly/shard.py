"""Decodes with Pillow, writes with TensorFlow: a record an image, pictures of 224 x 224."""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tensorflow as tf
from PIL import Image

from benchmarks.measured import measured


def feature(value: bytes | int) -> tf.train.Feature:
    if isinstance(value, int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


photos, output = Path(sys.argv[1]), Path(sys.argv[2])
with measured() as facts, tf.io.TFRecordWriter(str(output)) as writer:
    paths = sorted(photos.rglob("*.jpg"))
    for path in paths:
        image = Image.open(path).convert("RGB").resize((224, 224))
        features = {
            "image": feature(image.tobytes()),
            "label": feature(int(path.parent.name.removeprefix("class-"))),
            "key": feature(path.relative_to(photos).as_posix().encode()),
        }
        example = tf.train.Example(features=tf.train.Features(feature=features))
        writer.write(example.SerializeToString())
    facts["count"] = len(paths)
