"""The deterministic `.tar.gz` of a training job's results."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Sequence
from pathlib import Path

from rehearsal.jobs.failure import disk_errors


def pack(folders: Sequence[Path], target: Path) -> None:
    """Packs what all hosts left in their `folders` into `target`; of one path, the first host's.

    The same content makes the same bytes: names are sorted, and times and owners are left out.

    Raises:
        JobFailure: the disk is full, or a file can't be read.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        for path in folder.rglob("*"):
            found.setdefault(path.relative_to(folder).as_posix(), path)
    with (
        disk_errors(f"packing {target.name}"),
        target.open("wb") as file,
        gzip.GzipFile("", "wb", mtime=0, fileobj=file, compresslevel=6) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as tar,
    ):
        for name in sorted(found):
            _add(tar, found[name], name)


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tar.gettarinfo(path, name)
    entry.mtime = 0
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    if entry.isfile():
        with path.open("rb") as file:
            tar.addfile(entry, file)
    else:
        tar.addfile(entry)
