"""TFRecord files, the same bytes for the same records.

https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
"""

import struct
from pathlib import Path
from types import TracebackType
from typing import Self

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


class TFRecordFile:
    """A file to append records to.

    TFRecordWriter.write serialises a map in an order that differs from run to run; so only its
    checksum is used here.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def append(self, record: bytes) -> None:
        length = struct.pack("<Q", len(record))
        self._file.write(length + TFRecordWriter.masked_crc(length))
        self._file.write(record + TFRecordWriter.masked_crc(record))
