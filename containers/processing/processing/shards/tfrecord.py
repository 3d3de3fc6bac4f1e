"""Records of TFRecord files, the same bytes for the same image.

https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
"""

import struct

from tfrecord import example_pb2  # type: ignore[import-untyped]
from tfrecord.writer import TFRecordWriter  # type: ignore[import-untyped]


def example(image: bytes, label: int, key: str) -> bytes:
    """A serialised tf.train.Example: `image` raw uint8 pixels, `label` int64, `key` UTF-8."""
    features = {
        "image": example_pb2.Feature(bytes_list=example_pb2.BytesList(value=[image])),
        "label": example_pb2.Feature(int64_list=example_pb2.Int64List(value=[label])),
        "key": example_pb2.Feature(bytes_list=example_pb2.BytesList(value=[key.encode()])),
    }
    record = example_pb2.Example(features=example_pb2.Features(feature=features))
    serialised: bytes = record.SerializeToString(deterministic=True)
    return serialised


def framed(record: bytes) -> bytes:
    """The record as it lies in the file, between its length and checksums.

    TFRecordWriter.write serialises a map in an order that differs from run to run; so only its
    checksum is used here.
    """
    length = struct.pack("<Q", len(record))
    checksums = (TFRecordWriter.masked_crc(part) for part in (length, record))
    return b"".join([length, next(checksums), record, next(checksums)])
