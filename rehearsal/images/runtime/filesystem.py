"""Puts a container's file system together out of the machine's, with mounts that only it sees.

It is the machine's file system, read-only, with the container's own mounts on top. A folder that
gets an entry it lacks on the machine (`/opt`, for `/opt/ml`) is shadowed: an empty folder in memory
that shows each of its entries, and the new one. `/dev/shm` is empty and its own.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from rehearsal.images.runtime import mounting
from rehearsal.images.runtime.spec import Mount

_MACHINE = Path("/")
_LEFT_WRITABLE = ("dev", "proc", "sys")


def assemble(root: Path, mounts: Sequence[Mount]) -> None:
    """Puts the file system together on the empty folder `root`.

    Raises:
        OSError: the kernel refuses a mount, or a source is not there.
    """
    mounting.memory(root)
    mounting.keep_out_of_binds(root)
    ordered = sorted(_resolved(mounts), key=lambda mount: len(Path(mount.target).parts))
    _show(_MACHINE, root, _shadowed(ordered))
    for mount in ordered:
        _place(Path(mount.source), root / mount.target.lstrip("/"))
    mounting.proc(root / "proc")
    shared_memory = root / "dev" / "shm"
    if shared_memory.is_dir():
        mounting.memory(shared_memory)
    _protect(root, [root / mount.target.lstrip("/") for mount in ordered if mount.writable])


def _resolved(mounts: Sequence[Mount]) -> list[Mount]:
    return [
        Mount(str(Path(mount.source).resolve()), os.path.realpath(mount.target), mount.writable)
        for mount in mounts
    ]


def _shadowed(mounts: Sequence[Mount]) -> set[Path]:
    targets = {Path(mount.target) for mount in mounts}
    missing = [
        target
        for target in targets
        if not target.exists() and not targets.intersection(target.parents)
    ]
    return {_MACHINE}.union(*(target.parents for target in missing))


def _show(folder: Path, shown: Path, shadowed: set[Path]) -> None:
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    for entry in entries:
        place = shown / entry.name
        if entry == Path("/proc"):
            place.mkdir()
        elif entry.is_symlink():
            place.symlink_to(entry.readlink())
        elif entry in shadowed:
            place.mkdir()
            _show(entry, place, shadowed)
        else:
            _make_point(entry, place)
            mounting.bind(entry, place)


def _place(source: Path, place: Path) -> None:
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        _make_point(source, place)
    mounting.bind(source, place)


def _make_point(source: Path, place: Path) -> None:
    if source.is_dir():
        place.mkdir()
    else:
        place.touch()


def _protect(root: Path, writable: Sequence[Path]) -> None:
    left = [*writable, *(root / name for name in _LEFT_WRITABLE)]
    for point in mounting.mounted_below(root):
        if not any(point.is_relative_to(folder) for folder in left):
            # Some mounts of the machine can't be changed from a user namespace; they stay as they
            # are.
            with contextlib.suppress(OSError):
                mounting.make_read_only(point)
