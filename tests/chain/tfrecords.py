"""Keys of the records in a TFRecord file, read without TensorFlow.

https://www.tensorflow.org/tutorials/load_data/tfrecord
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

LENGTH_BYTES, CHECKSUM_BYTES = 8, 4


def keys(content: bytes) -> Iterator[str]:
    """The feature `key` of each record."""
    for record in _records(content):
        (features,) = (value for number, value in _fields(record) if number == 1)
        for _, feature in _fields(features):
            entry = dict(_fields(feature))
            if entry[1] == b"key":
                values = dict(_fields(entry[2]))[1]
                yield dict(_fields(values))[1].decode()


def _records(content: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(content):
        (length,) = struct.unpack_from("<Q", content, position)
        start = position + LENGTH_BYTES + CHECKSUM_BYTES
        yield content[start : start + length]
        position = start + length + CHECKSUM_BYTES


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Fields of a protobuf message, all of which have a length."""
    position = 0
    while position < len(message):
        tag, position = _number(message, position)
        assert tag & 7 == 2, "a field without a length"
        length, position = _number(message, position)
        yield tag >> 3, message[position : position + length]
        position += length


def _number(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
