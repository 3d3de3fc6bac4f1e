"""Puts a container's file system together out of the machine's, with mounts that only it sees.

It is the machine's file system, read-only, with the container's own mounts on top. A folder that
gets an entry it lacks on the machine (`/opt`, for `/opt/ml`) is shadowed: an empty folder in memory
that shows each of its entries, and the new one. `/dev/shm` is empty and its own.
"""

import contextlib
import ctypes
import os
from collections.abc import Sequence
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


def bind(source: Path, target: Path) -> None:
    """Shows `source`, with all that is mounted below it, at `target`, which must be there.

    Raises:
        OSError: the kernel refuses.
    """
    _mount(str(source), target, None, _BIND | _REC)


def proc(target: Path) -> None:
    """Mounts the /proc of this PID namespace.

    Raises:
        OSError: the kernel refuses.
    """
    _mount("proc", target, "proc", _NOSUID | _NODEV | _NOEXEC)


def memory(target: Path) -> None:
    """An empty file system in memory.

    Raises:
        OSError: the kernel refuses.
    """
    _mount("tmpfs", target, "tmpfs", _NOSUID | _NODEV)


def keep_out_of_binds(target: Path) -> None:
    """A bind of a folder above the mount `target` does not show it again.

    Raises:
        OSError: the kernel refuses.
    """
    _mount("none", target, None, _UNBINDABLE)


def make_read_only(target: Path) -> None:
    """Makes one mount, not those below it, read-only.

    Raises:
        OSError: the kernel refuses.
    """
    # In a user namespace a remount may not drop the flags that the machine's own mount has.
    kept = os.statvfs(target).f_flag & (_NOSUID | _NODEV | _NOEXEC)
    _mount("none", target, None, _BIND | _REMOUNT | _RDONLY | kept)


def mounted_below(folder: Path) -> list[Path]:
    """The places at or below `folder` where something is mounted."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    points = (Path(_unescaped(line.split(" ")[4])) for line in lines.splitlines())
    return [point for point in points if point.is_relative_to(folder)]


def _unescaped(point: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(code, character)
    return point


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


_MACHINE = Path("/")
_LEFT_WRITABLE = ("dev", "proc", "sys")


def assemble(root: Path, mounts: Sequence[Mount]) -> None:
    """Puts the file system together on the empty folder `root`.

    Raises:
        OSError: the kernel refuses a mount, or a source is not there.
    """
    memory(root)
    keep_out_of_binds(root)
    ordered = sorted(_resolved(mounts), key=lambda mount: len(Path(mount.target).parts))
    _show(_MACHINE, root, _shadowed(ordered))
    for mount in ordered:
        _place(Path(mount.source), root / mount.target.lstrip("/"))
    proc(root / "proc")
    shared_memory = root / "dev" / "shm"
    if shared_memory.is_dir():
        memory(shared_memory)
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
            bind(entry, place)


def _place(source: Path, place: Path) -> None:
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        _make_point(source, place)
    bind(source, place)


def _make_point(source: Path, place: Path) -> None:
    if source.is_dir():
        place.mkdir()
    else:
        place.touch()


def _protect(root: Path, writable: Sequence[Path]) -> None:
    left = [*writable, *(root / name for name in _LEFT_WRITABLE)]
    for point in mounted_below(root):
        if not any(point.is_relative_to(folder) for folder in left):
            # Some mounts of the machine can't be changed from a user namespace; they stay as they
            # are.
            with contextlib.suppress(OSError):
                make_read_only(point)
