"""Where an object's file lies on a host."""

from __future__ import annotations

from pathlib import PurePosixPath

from rehearsal.jobs.failure import JobFailure
from rehearsal.s3_uri import S3Uri

_LONGEST_NAME = 255  # bytes, of Linux's file systems


def parse(uri: str) -> S3Uri:
    """Raises:
    JobFailure: `uri` is no S3 URI.
    """
    try:
        return S3Uri.parse(uri)
    except ValueError as error:
        raise JobFailure(f"ClientError: {error}") from error


def relative_to_prefix(key: str, prefix: str) -> str:
    """The path of `key` below the folder that `prefix` names.

    A prefix need not end at a slash: `data/train` matches `data/train/a` (path `a`) and
    `data/train-1` (path `train-1`).
    """
    folder = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
    if key.startswith(folder):
        return key[len(folder) :]
    return key[prefix.rfind("/") + 1 :]


def safe_path(relative: str, uri: str) -> PurePosixPath:
    """`relative` as a path that stays below its folder.

    Raises:
        JobFailure: it would not, or no file can have that name; names the object by `uri`.
    """
    parts = relative.split("/")
    if not relative or any(part in ("", ".", "..") for part in parts) or "\0" in relative:
        raise JobFailure(
            f"ClientError: the object {uri} can't become a file, as its key has an empty part, '.' "
            f"or '..' in it: "
            "give it another key."
        )
    if any(len(part.encode()) > _LONGEST_NAME for part in parts):
        raise JobFailure(
            f"ClientError: the object {uri} can't become a file, as a part of its key has more "
            f"than {_LONGEST_NAME} bytes: give it another key."
        )
    return PurePosixPath(relative)
