"""Where each record of a channel lies in its TFRecord files, so that any worker can read any.

Compressed shards are unpacked once a host, as only a plain file can be read from any place.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import shutil
import struct
import tempfile
import weakref
import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from crc32c import crc32c

from training.common.container import UserError

GZIP = ".gz"


def unpacked(file: Path) -> Path:
    """`file` itself, or where it is compressed its content in the machine's temporary folder.

    The workers of a host share it: the first one unpacks, the others wait.

    Raises:
        UserError: the file breaks off, or the disk is full.
    """
    if file.suffix != GZIP:
        return file
    status = file.stat()
    facts = f"{file.resolve()} {status.st_size} {status.st_mtime_ns}"
    name = hashlib.sha256(facts.encode()).hexdigest()[:32]
    folder = Path(tempfile.gettempdir()) / f"shardwise-shards-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    place = folder / f"{name}.tfrecord"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            _unpack(file, place)
    return place


def _unpack(file: Path, place: Path) -> None:
    new = place.with_suffix(".new")
    try:
        with gzip.open(file) as packed, new.open("wb") as plain:
            shutil.copyfileobj(packed, plain, 1 << 20)
        new.replace(place)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        new.unlink(missing_ok=True)
        raise UserError(f"{file} breaks off in the middle of a record: make it again.") from error
    except OSError as error:
        new.unlink(missing_ok=True)
        raise UserError(
            f"{file} cannot be unpacked to {place.parent}: {error.strerror}; give the job a larger "
            "volume, or make shards without compression."
        ) from error


HEADER, FOOTER = 12, 4
# A process may often open 1,024 files, and some channels have more.
_MOST_OPEN = 32

Exchange = Callable[[Any], list[Any]]
"""Gives what each rank put in, in the order of ranks; every rank has to call it."""


def alone(mine: Any) -> list[Any]:
    """The exchange of a single worker."""
    return [mine]


@dataclass(frozen=True)
class Records:
    """All records of a channel, numbered over its files in the order of their names.

    Attributes:
        files: uncompressed TFRecord files.
        starts: int64 [count], where a record's header begins in its file.
        lengths: int64 [count], bytes of its data.
        owners: int32 [count], which of the files holds it.
    """

    files: tuple[Path, ...]
    starts: np.ndarray
    lengths: np.ndarray
    owners: np.ndarray

    @property
    def count(self) -> int:
        return len(self.starts)


def find_records(
    folder: Path, channel: str, rank: int = 0, size: int = 1, exchange: Exchange = alone
) -> Records:
    """Looks through the channel in `folder`; each of `size` workers through its part of the files.

    Raises:
        UserError: the channel has no records, or a file breaks off.
    """
    files = sorted([*folder.rglob("*.tfrecord"), *folder.rglob(f"*.tfrecord{GZIP}")])
    plain = tuple(unpacked(file) for file in files)
    mine = {i: _starts(plain[i], files[i]) for i in range(rank, len(files), size)}
    found: dict[int, np.ndarray] = {}
    for part in exchange(mine):
        found.update(part)
    starts = [found[number][:-1] for number in range(len(files))]
    if not any(map(len, starts)):
        raise UserError(
            f"The channel {channel} has no records in {folder}: look into the step ShardImages."
        )
    lengths = [np.diff(found[number]) - HEADER - FOOTER for number in range(len(files))]
    owners = np.repeat(np.arange(len(files), dtype=np.int32), [len(each) for each in starts])
    return Records(plain, np.concatenate(starts), np.concatenate(lengths), owners)


class Reader:
    """Reads records by their numbers.

    It keeps up to 32 files open, those it read last, until it is closed or nobody has it any more.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._open: OrderedDict[int, int] = OrderedDict()
        self._close = weakref.finalize(self, _close_all, self._open)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *raised: object) -> None:
        self._close()

    def read(self, numbers: Sequence[int] | np.ndarray) -> list[bytes]:
        """The data of the records `numbers`, each a serialised `tf.train.Example`.

        Raises:
            UserError: a record's checksum is not that of its data.
        """
        return [self._read(int(number)) for number in numbers]

    def length(self, number: int) -> int:
        """Bytes of a record's data."""
        return int(self._records.lengths[number])

    def part(self, number: int, start: int, most: int) -> bytes:
        """At most `most` bytes of a record's data from `start` on; no checksum covers these."""
        first = int(self._records.starts[number]) + HEADER + start
        size = max(0, min(most, self.length(number) - start))
        return os.pread(self._file(int(self._records.owners[number])), size, first)

    def _read(self, number: int) -> bytes:
        records = self._records
        owner, length = int(records.owners[number]), int(records.lengths[number])
        start = int(records.starts[number]) + HEADER
        content = os.pread(self._file(owner), length + FOOTER, start)
        data = content[:length]
        if content[length:] != _checksum(data):
            raise UserError(
                f"The record at byte {start - HEADER} of {records.files[owner]} is damaged: make "
                "the shards again."
            )
        return data

    def _file(self, owner: int) -> int:
        if owner not in self._open:
            if len(self._open) >= _MOST_OPEN:
                os.close(self._open.popitem(last=False)[1])
            self._open[owner] = os.open(self._records.files[owner], os.O_RDONLY)
        self._open.move_to_end(owner)
        return self._open[owner]


def _close_all(descriptors: OrderedDict[int, int]) -> None:
    while descriptors:
        os.close(descriptors.popitem()[1])


def _checksum(data: bytes) -> bytes:
    """The masked CRC-32C that TFRecord files hold."""
    value = crc32c(data)
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _starts(file: Path, shard: Path) -> np.ndarray:
    """Where each record begins, and at last where the file ends; int64 [records + 1].

    Args:
        shard: what `file` was unpacked from, or itself.

    Raises:
        UserError: the file breaks off.
    """
    size, place, starts = file.stat().st_size, 0, [0]
    with file.open("rb", buffering=0) as content:
        while place < size:
            header = os.pread(content.fileno(), HEADER, place)
            length = struct.unpack("<Q", header[:8])[0] if len(header) == HEADER else size
            place += HEADER + length + FOOTER
            starts.append(place)
    if place != size:
        raise UserError(f"{shard} breaks off in the middle of a record: make it again.")
    return np.array(starts, np.int64)
