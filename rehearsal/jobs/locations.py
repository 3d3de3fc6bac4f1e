"""S3 URIs, and where an object's file lies on a host."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from rehearsal.jobs.failure import JobFailure


@dataclass(frozen=True)
class Location:
    """A bucket, and a key or the start of keys."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def child(self, relative: str) -> Location:
        """`relative` below this location, with one slash between."""
        start = self.key if not self.key or self.key.endswith("/") else f"{self.key}/"
        return Location(self.bucket, start + relative)


def parse(uri: str) -> Location:
    """:raises JobFailure: `uri` is no S3 URI."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise JobFailure(f"ClientError: '{uri}' is no S3 URI: write s3://<bucket>/<prefix>.")
    return Location(bucket, key)


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

    :raises JobFailure: it would not, or no file can have that name; names the object by `uri`.
    """
    parts = relative.split("/")
    if not relative or any(part in ("", ".", "..") for part in parts) or "\0" in relative:
        raise JobFailure(
            f"ClientError: the object {uri} can't become a file, as its key has an empty part, '.' "
            f"or '..' in it: "
            "give it another key."
        )
    return PurePosixPath(relative)
