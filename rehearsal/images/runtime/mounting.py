"""mount(2), which Python's standard library does not have."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

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
    """Raises:
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
