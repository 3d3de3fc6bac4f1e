"""Records of TFRecord files, the same bytes for the same image.

https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
"""

import struct
from collections.abc import Iterator

import crc32c
import numpy as np
import numpy.typing as npt

# Wire types of https://protobuf.dev/programming-guides/encoding/
MASK = 0xA282EAD8


def record(image: npt.NDArray[np.uint8], label: int, key: str) -> list[bytes | memoryview]:
    """A tf.train.Example as it lies in the file, in parts to be written one after the other.

    `image` as raw bytes, `label` int64 (0 or more), `key` UTF-8. The bytes are those of protobuf's
    deterministic serialisation, whose copies of the pixels took a tenth of the step's time.
    """
    pixels = np.ascontiguousarray(image).data.cast("B")
    lists = _length(1, len(pixels))
    feature = _length(1, len(lists) + len(pixels))
    value = _length(2, len(feature) + len(lists) + len(pixels))
    name = _field(1, b"image")
    entry = _length(1, len(name) + len(value) + len(feature) + len(lists) + len(pixels))
    after = _entry(b"key", _field(1, _field(1, key.encode()))) + _entry(
        b"label", _field(3, _field(1, _varint(label)))
    )
    before = b"".join([entry, name, value, feature, lists])
    features = _length(1, len(before) + len(pixels) + len(after))
    return list(_framed([features + before, pixels, after]))


def _framed(parts: list[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    length = struct.pack("<Q", sum(len(part) for part in parts))
    yield length + _masked(crc32c.crc32c(length))
    checksum = 0
    for part in parts:
        checksum = crc32c.crc32c(part, checksum)
        yield part
    yield _masked(checksum)


def _masked(checksum: int) -> bytes:
    return struct.pack("<I", ((checksum >> 15 | checksum << 17) + MASK) & 0xFFFFFFFF)


def _entry(name: bytes, feature: bytes) -> bytes:
    return _field(1, _field(1, name) + _field(2, feature))


def _field(number: int, content: bytes) -> bytes:
    return _length(number, len(content)) + content


def _length(number: int, length: int) -> bytes:
    return bytes([number << 3 | 2]) + _varint(length)


def _varint(value: int) -> bytes:
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])
