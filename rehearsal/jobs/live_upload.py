"""Copies what containers write below a folder to S3 while they run, as SageMaker does with
checkpoints and TensorBoard's logs.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
"""

from __future__ import annotations

import logging
import os
import shutil
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rehearsal.jobs import transfer
from rehearsal.jobs.failure import JobFailure, disk_errors
from rehearsal.s3_uri import S3Uri
from rehearsal.supervised import Failures, SupervisedThread

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_log = logging.getLogger(__name__)

_EVERY_SECONDS = 1.0
_CHUNK = 1 << 20
# The kernel's clock for files moves in steps of up to 10 ms: a change soon after another may not
# show in the time of modification. So a file that was just written counts as being written; and
# on a busy machine who writes it may not be let on for tens of milliseconds.
_SETTLED_NANOSECONDS = 250_000_000


class _Stamp(NamedTuple):
    """What tells one state of a file from another."""

    size: int
    modified_nanoseconds: int
    inode: int


class LiveUpload:
    """Copies the folders of all hosts to one place in S3.

    A file is copied whole: to the machine's disk first, and from there to S3 only if it did not
    change meanwhile; one that did is tried again the next time. The oldest go first, so that a file
    that names others comes after them. What was there before the containers is not copied, and
    nothing in S3 is ever deleted.

    Attributes:
        folders: each host's folder on the machine, by the host's name.
        spare: a path on the machine for the copy; nothing else may use it.
    """

    def __init__(
        self, folders: Mapping[str, Path], target: S3Uri, s3: S3Client, spare: Path
    ) -> None:
        self._folders = folders
        self._target = target
        self._s3 = s3
        self._spare = spare
        self._copied = {
            path: stamp for folder in folders.values() for path, stamp in _files(folder)
        }
        self._ending = threading.Event()
        self._complaint = ""
        self._failures = Failures(f"upload {target}")
        self._thread = SupervisedThread(f"upload {target}", self._look, _EVERY_SECONDS)

    def start(self) -> None:
        """Begins to copy."""
        self._thread.start()

    def finish(self, lost: str | None = None) -> None:
        """Copies what is left, once the containers have ended.

        Args:
            lost: the host whose instance was lost, with all that was not copied by then.

        Raises:
            JobFailure: S3 refuses a file, or one can't be read.
        """
        self.stop()
        for host, folder in self._folders.items():
            if host != lost:
                self._copy_changed(folder)

    def stop(self) -> None:
        """Copies nothing further."""
        self._ending.set()
        self._thread.close()

    def _look(self) -> None:
        for host, folder in self._folders.items():
            with self._failures.watched(host):
                try:
                    self._copy_changed(folder)
                except JobFailure as error:
                    # It is tried again; what stays wrong fails the job at its end.
                    if str(error) != self._complaint:
                        _log.warning("%s", error)
                    self._complaint = str(error)

    def _copy_changed(self, folder: Path) -> None:
        changed = [
            (stamp.modified_nanoseconds, path)
            for path, stamp in _files(folder)
            if self._copied.get(path) != stamp
        ]
        for _, path in sorted(changed):
            self._copy(path, self._target.child(path.relative_to(folder).as_posix()))

    def _copy(self, path: Path, place: S3Uri) -> None:
        began = time.time_ns()
        with disk_errors(f"copying {place}"):
            stamp = self._set_aside(path)
        if stamp is None:
            return
        if began - stamp.modified_nanoseconds > _SETTLED_NANOSECONDS or self._ending.is_set():
            transfer.put(self._spare, place, self._s3)
            self._copied[path] = stamp

    def _set_aside(self, path: Path) -> _Stamp | None:
        """Copies a file to the spare path; None where it changed or went meanwhile."""
        try:
            with path.open("rb") as file, self._spare.open("wb") as spare:
                before = _stamp(os.fstat(file.fileno()))
                shutil.copyfileobj(file, spare, _CHUNK)
            return before if _stamp(path.stat()) == before else None
        except FileNotFoundError:
            return None


def _files(folder: Path) -> Iterator[tuple[Path, _Stamp]]:
    """The plain files below a folder; those that go while it is read are left out, and so are links
    that lead out of it.
    """
    inside = folder.resolve()
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            try:
                found = path.stat()
                is_inside = not path.is_symlink() or path.resolve().is_relative_to(inside)
            except OSError:
                continue
            if is_inside and stat.S_ISREG(found.st_mode):
                yield path, _stamp(found)


def _stamp(status: os.stat_result) -> _Stamp:
    return _Stamp(status.st_size, status.st_mtime_ns, status.st_ino)
