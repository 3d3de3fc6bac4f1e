"""A record's frame in a file, and its checksums.

A file is a sequence of: length (8 bytes), its checksum (4), the data, their checksum (4).
https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
"""

import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
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


def find_starts(file: Path, shown: Path | None = None) -> npt.NDArray[np.int64]:
    """Where each record of a file begins, and at last where the file ends: int64 [records + 1].

    Only headers are read.

    Args:
        file: an uncompressed file.
        shown: what an error calls it, where that is another name.

    Raises:
        RecordError: the file breaks off.
    """
    size, place, starts = file.stat().st_size, 0, [0]
    with file.open("rb", buffering=0) as content:
        while place < size:
            header = os.pread(content.fileno(), HEADER_BYTES, place)
            length = struct.unpack("<Q", header[:8])[0] if len(header) == HEADER_BYTES else size
            place += HEADER_BYTES + length + FOOTER_BYTES
            starts.append(place)
    if place != size:
        raise RecordError(f"{shown or file} breaks off in the middle of a record: make it again.")
    return np.array(starts, np.int64)
