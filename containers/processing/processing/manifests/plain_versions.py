"""Versions of an answer of ListObjectVersions by their text, 4 times as fast as by its XML."""

import re
from dataclasses import dataclass
from itertools import compress

_BEGIN, _END = b"<Version>", b"</Version>"
_DELETED = re.compile(rb"<DeleteMarker>.*?</DeleteMarker>", re.DOTALL)
_IS_LATEST, *_COLUMNS = (
    re.compile(rb"<%b>([^<]*)</%b>" % (name, name))
    for name in (b"IsLatest", b"Key", b"VersionId", b"Size", b"LastModified")
)
# What needs its XML: archives, prefixes among the versions, and what S3 does not write.
_NOT_PLAIN = (b"GLACIER", b"DEEP_ARCHIVE", b"<CommonPrefixes>", b"<!")


@dataclass(frozen=True)
class PlainVersions:
    """The current versions' columns, and the answer without any version."""

    rest: bytes
    keys: list[str]
    version_ids: list[str]
    sizes: list[str]
    last_modified: list[str]


def plain_versions(answer: bytes) -> PlainVersions | None:
    """None where not each version has each column once, as text: then its XML must be read."""
    begin, end = answer.find(_BEGIN), answer.rfind(_END)
    versions = answer[begin : end + len(_END)]
    if begin < 0 or end < begin or any(each in versions for each in _NOT_PLAIN):
        return None
    if b"<DeleteMarker>" in versions:
        versions = _DELETED.sub(b"", versions)
    latest = _IS_LATEST.findall(versions)
    columns = [column.findall(versions) for column in _COLUMNS]
    if {len(latest), *map(len, columns)} != {versions.count(_BEGIN)}:
        return None
    if any(b"&" in text for column in columns for text in column):  # an entity
        return None
    if latest.count(b"true") < len(latest):
        columns = [
            list(compress(column, (each == b"true" for each in latest))) for column in columns
        ]
    return PlainVersions(answer[:begin] + answer[end + len(_END) :], *map(_texts, columns))


def _texts(column: list[bytes]) -> list[str]:
    # No text has a "<".
    return b"<".join(column).decode().split("<") if column else []
