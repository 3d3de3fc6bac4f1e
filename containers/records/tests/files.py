"""Small TFRecord files."""

import struct
from pathlib import Path

import numpy as np

from records.files import RecordFiles
from records.framing import FOOTER_BYTES, HEADER_BYTES
from records.index import SUFFIX, IndexWriter
from records.reader import Records
from records.writer import image_record


def write(folder: Path, name: str, *keys: str) -> Path:
    """A file with a record of a key each, of 2 x 2 pixels, and its index beside it."""
    image = np.zeros((2, 2, 3), np.uint8)
    with RecordFiles(folder, folder, name, 1 << 30) as written:
        for key in keys:
            written.append(image_record(image, 0, key), 0)
    file = folder / f"{name}-00000.tfrecord"
    if not keys:
        file.touch()
        with IndexWriter(file.with_suffix(SUFFIX)):
            pass
    return file


def records_of(*files: Path) -> Records:
    return Records.of(files, [file.with_suffix(SUFFIX) for file in files])


def find_starts(file: Path) -> list[int]:
    """Where each record begins, by the lengths in the file alone, and at last where it ends."""
    content, starts = file.read_bytes(), [0]
    while starts[-1] < len(content):
        (length,) = struct.unpack_from("<Q", content, starts[-1])
        starts.append(starts[-1] + HEADER_BYTES + length + FOOTER_BYTES)
    assert starts[-1] == len(content)
    return starts
