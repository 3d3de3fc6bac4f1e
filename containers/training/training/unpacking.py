"""Compressed shards, unpacked once a host, as only a plain file can be read from any place."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import shutil
import tempfile
import zlib
from pathlib import Path

from training.errors import UserError

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
