"""Where each record of a channel lies in its TFRecord files, so that any worker can read any.

Compressed shards are unpacked once a host, as only a plain file can be read from any place.
"""

import fcntl
import gzip
import hashlib
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from records import reader
from records.framing import RecordError, find_starts
from records.reader import Records
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


Exchange = Callable[[Any], list[Any]]
"""Gives what each rank put in, in the order of ranks; every rank has to call it."""


def alone(mine: Any) -> list[Any]:
    """The exchange of a single worker."""
    return [mine]


def find_records(
    folder: Path, channel: str, rank: int = 0, size: int = 1, exchange: Exchange = alone
) -> Records:
    """Looks through the channel in `folder`; each of `size` workers through its part of the files.

    Raises:
        UserError: the channel has no records, or a file breaks off.
    """
    files = sorted([*folder.rglob("*.tfrecord"), *folder.rglob(f"*.tfrecord{GZIP}")])
    plain = [unpacked(file) for file in files]
    with _damage_explained():
        mine = {i: find_starts(plain[i], files[i]) for i in range(rank, len(files), size)}
    found: dict[int, np.ndarray] = {}
    for part in exchange(mine):
        found.update(part)
    starts = [found[number] for number in range(len(files))]
    if not any(len(places) > 1 for places in starts):
        raise UserError(
            f"The channel {channel} has no records in {folder}: look into the step ShardImages."
        )
    return Records.of(plain, starts)


class Reader(reader.Reader):
    """Reads records by their numbers; a damaged one is what a user can put right."""

    def read(self, numbers: Sequence[int] | np.ndarray) -> list[bytes]:
        """The data of the records `numbers`, each a serialised `tf.train.Example`.

        Raises:
            UserError: a record's checksum is not that of its data.
        """
        with _damage_explained():
            return super().read(numbers)


@contextmanager
def _damage_explained() -> Iterator[None]:
    try:
        yield
    except RecordError as error:
        raise UserError(str(error)) from error
