"""Puts a container's file system together out of the machine's, with mounts that only it sees.

It is the machine's file system, read-only, with the container's own mounts on top. A folder that
gets an entry it lacks on the machine (`/opt`, for `/opt/ml`) is shadowed: an empty folder in memory
that shows each of its entries, and the new one. `/dev/shm` is empty and its own.
"""

import contextlib
import ctypes
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from rehearsal.images.runtime.spec import Mount

# <linux/mount.h>
_RDONLY = 1
_NOSUID = 2
_NODEV = 4
_NOEXEC = 8
_REMOUNT = 32
_BIND = 4096
_REC = 16384
_UNBINDABLE = 1 << 17

_libc = ctypes.CDLL(None, use_errno=True)


_MACHINE = Path("/")
_LEFT_WRITABLE = ("dev", "proc", "sys")


def assemble(root: Path, mounts: Sequence[Mount]) -> None:
    """Puts the file system together on the empty folder `root`.

    Raises:
        OSError: the kernel refuses a mount, or a source is not there.
    """
    _mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV)
    # A bind of a folder above it must not show it again.
    _mount("none", root, None, _UNBINDABLE)
    ordered = sorted(_resolved(mounts), key=lambda mount: len(Path(mount.target).parts))
    _show(_MACHINE, root, _shadowed(ordered))
    for mount in ordered:
        _place(Path(mount.source), root / mount.target.lstrip("/"))
    _mount("proc", root / "proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    shared_memory = root / "dev" / "shm"
    if shared_memory.is_dir():
        _mount("tmpfs", shared_memory, "tmpfs", _NOSUID | _NODEV)
    _protect(root, {root / mount.target.lstrip("/"): mount.writable for mount in ordered})


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
            _bind(entry, place)


def _place(source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    _bind(source, place)


def _bind(source: Path, place: Path) -> None:
    """Shows `source`, with all that is mounted below it, at `place`."""
    if not place.exists():
        place.mkdir() if source.is_dir() else place.touch()
    _mount(str(source), place, None, _BIND | _REC)


def _protect(root: Path, writable: Mapping[Path, bool]) -> None:
    """Makes each mount read-only by itself, but for what is writable: the nearest folder tells.

    Raises:
        OSError: a read-only mount in a writable folder would stay writable.
    """
    told = {root / name: True for name in _LEFT_WRITABLE} | dict(writable)
    for point in _mounted_below(root):
        above = [folder for folder in (point, *point.parents) if folder in told]
        if above and told[above[0]]:
            continue
        # Some mounts of the machine can't be changed from a user namespace, and stay as they are;
        # none may lose the flags that the machine's own mount has.
        is_needed = any(told[folder] for folder in above)
        with contextlib.nullcontext() if is_needed else contextlib.suppress(OSError):
            kept = os.statvfs(point).f_flag & (_NOSUID | _NODEV | _NOEXEC)
            _mount("none", point, None, _BIND | _REMOUNT | _RDONLY | kept)


def _mounted_below(folder: Path) -> list[Path]:
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    # A blank in a path is \040, and so on.
    points = (
        Path(re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), line.split(" ")[4]))
        for line in lines.splitlines()
    )
    return [point for point in points if point.is_relative_to(folder)]


def _mount(source: str, target: Path, kind: str | None, flags: int) -> None:
    result = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        None,
    )
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(target))
