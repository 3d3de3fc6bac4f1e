"""A record's frame in a file, and its checksums.

A file is a sequence of: length (8 bytes), its checksum (4), the data, their checksum (4).
https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
"""

import struct
from collections.abc import Iterator, Sequence

from crc32c import crc32c

HEADER_BYTES, FOOTER_BYTES = 12, 4
_MASK = 0xA282EAD8


class RecordError(Exception):
    """A file is damaged; the message is one sentence: what is wrong, where, what to do."""


def framed(parts: Sequence[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """A record as it lies in a file; no part of its data is copied."""
    length = struct.pack("<Q", sum(len(part) for part in parts))
    yield length + masked(crc32c(length))
    checksum = 0
    for part in parts:
        checksum = crc32c(part, checksum)
        yield part
    yield masked(checksum)


def masked(checksum: int) -> bytes:
    """A CRC-32C as a file holds it, 4 bytes."""
    return struct.pack("<I", ((checksum >> 15 | checksum << 17) + _MASK) & 0xFFFFFFFF)
