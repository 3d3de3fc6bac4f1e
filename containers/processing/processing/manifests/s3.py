"""What CreateManifests asks of S3: listings and downloads.

Listings go by boto3, which signs, sends and retries, without its reader of answers, which takes
most of the time of a listing: the XML of an answer goes straight into Arrow, 4 to 5 times as fast
(docs/benchmarks.md).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus
from xml.etree import ElementTree

import pyarrow as pa
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from processing.common.aws import ONE_STREAM, Client, broken_bodies_again, client
from processing.manifests.plain_versions import plain_versions

# Requests in flight; more would only wait for the network.
CONNECTIONS = 16

S3Client = Client

# Encrypted with a key of the producer's own, withheld, archived or deleted: S3 says so again when
# it is asked again, of this object and perhaps of no other.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
_OF_ONE_OBJECT = (
    *("AccessDenied", "InvalidObjectState", "InvalidRequest", "NoSuchKey", "NoSuchVersion"),
    # HeadObject has no words, and downloads begin with one.
    *("400", "403", "404"),
)


@dataclass(frozen=True, slots=True)
class ListedObject:
    """The current version of an object, `size` in bytes; `archived` it cannot be read as it is."""

    key: str
    version_id: str
    size: int
    last_modified: datetime
    archived: bool


def s3_client() -> S3Client:
    """A client that many threads may use at once."""
    # Two levels of folders are listed at a time.
    return client("s3", 2 * CONNECTIONS)


def refuses_one_object(error: ClientError) -> bool:
    """Whether S3 said something of the one object, and not of the role or of its own state."""
    code: str = error.response["Error"]["Code"]
    return code in _OF_ONE_OBJECT or (code.startswith("KMS.") and "Throttling" not in code)


@broken_bodies_again
def download(s3: S3Client, bucket: str, stored: ListedObject, path: Path) -> Path:
    """Writes the very version that was listed to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    version = {"VersionId": stored.version_id}
    s3.download_file(bucket, stored.key, str(path), ExtraArgs=version, Config=ONE_STREAM)
    return path


TAG = "{{http://s3.amazonaws.com/doc/2006-03-01/}}{}"
# Of an answer, of one of its versions, and of its prefixes.
ENCODING_TYPE, IS_TRUNCATED, NEXT_KEY_MARKER, NEXT_VERSION_ID_MARKER = map(
    TAG.format, ("EncodingType", "IsTruncated", "NextKeyMarker", "NextVersionIdMarker")
)
VERSION, KEY, VERSION_ID, IS_LATEST, SIZE, LAST_MODIFIED, STORAGE_CLASS = map(
    TAG.format,
    ("Version", "Key", "VersionId", "IsLatest", "Size", "LastModified", "StorageClass"),
)
IS_RESTORED = f"{TAG.format('RestoreStatus')}/{TAG.format('RestoreExpiryDate')}"
COMMON_PREFIXES, PREFIX = map(TAG.format, ("CommonPrefixes", "Prefix"))
# Not to be read before they are restored; GLACIER_IR is.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/archived-objects.html
ARCHIVES = (b"GLACIER", b"DEEP_ARCHIVE")
LISTED_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("version_id", pa.string()),
        ("size", pa.int64()),
        ("last_modified", pa.timestamp("ms", "UTC")),
        ("archived", pa.bool_()),
    ]
)
WRITTEN = LISTED_SCHEMA.field("last_modified").type
# What boto3 reads in place of the answer.
EMPTY_ANSWER = b"<ListVersionsResult/>"
PAGE_KEYS = 1_000  # the most that S3 gives
# A wildcard for the service goes before boto3's own handlers of S3, which read the whole answer.
OPERATION = "before-parse.*.ListObjectVersions"
ERROR = b"<Error"


@dataclass(frozen=True)
class Page:
    """An answer of ListObjectVersions.

    Attributes:
        batch: current versions, as LISTED_SCHEMA; deleted objects are left out.
        prefixes: what lies deeper than the delimiter, deleted objects too.
        next_page: where to go on.
    """

    batch: pa.RecordBatch
    prefixes: list[str]
    next_page: dict[str, str]

    def objects(self) -> Iterator[ListedObject]:
        """The current versions one by one."""
        for row in zip(*(column.to_pylist() for column in self.batch), strict=True):
            yield ListedObject(*row)


class Lister:
    """Lists folders of one bucket; many threads may share one."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        s3.meta.events.register(OPERATION, _take_answer, unique_id="listing")

    def pages(self, prefix: str, delimiter: str = "", after: str = "") -> Iterator[Page]:
        """All pages below `prefix`, in the order of keys (UTF-8 bytes), or of keys above `after`.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html, which also
        serves a bucket without versions (their version id is "null").
        """
        request = {
            "Bucket": self._bucket,
            "Prefix": prefix,
            "Delimiter": delimiter,
            "EncodingType": "url",
            "MaxKeys": PAGE_KEYS,
            "OptionalObjectAttributes": ["RestoreStatus"],
        }
        next_page = {"KeyMarker": after} if after else {}
        last_prefix = ""
        while True:
            answer = self._s3.list_object_versions(**request, **next_page)["Answer"]
            page = _page(answer, last_prefix)
            yield page
            if not (next_page := page.next_page):
                return
            last_prefix = page.prefixes[-1] if page.prefixes else last_prefix

    def find(self, key: str) -> ListedObject | None:
        """The current version of one object; None when there is none."""
        # The versions of a key come first among those of the keys that it begins.
        page = next(self.pages(key))
        return next((stored for stored in page.objects() if stored.key == key), None)


def _take_answer(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    # An error is boto3's to read; S3 may send one with status 200.
    if response_dict["status_code"] == 200 and ERROR not in response_dict["body"][:500]:
        customized_response_dict["Answer"] = response_dict["body"]
        response_dict["body"] = EMPTY_ANSWER


def _page(answer: bytes, last_prefix: str) -> Page:
    plain = plain_versions(answer)
    root = ElementTree.fromstring(plain.rest if plain else answer)  # noqa: S314 - from S3 itself
    decode = unquote_plus if root.findtext(ENCODING_TYPE) == "url" else str
    prefixes = (decode(_text(found, PREFIX)) for found in root.iterfind(COMMON_PREFIXES))
    if plain:
        keys, version_ids = plain.keys, plain.version_ids
        sizes, last_modified = plain.sizes, plain.last_modified
        archived = [False] * len(keys)
    else:
        versions = [
            found for found in root.iterfind(VERSION) if found.findtext(IS_LATEST) == "true"
        ]
        keys, version_ids, sizes, last_modified = (
            [_text(version, name) for version in versions]
            for name in (KEY, VERSION_ID, SIZE, LAST_MODIFIED)
        )
        archived = [_is_archived(version) for version in versions]
    columns = [
        list(map(decode, keys)),
        version_ids,
        list(map(int, sizes)),
        pa.array(last_modified, pa.string()).cast(WRITTEN),
        pa.array(archived, pa.bool_()),
    ]
    return Page(
        pa.record_batch(columns, schema=LISTED_SCHEMA),
        # Some S3-compatible servers name a prefix again that a page before ended in.
        [prefix for prefix in prefixes if prefix > last_prefix],
        _next_page(root, decode),
    )


def _next_page(root: ElementTree.Element, decode: Callable[[str], str]) -> dict[str, str]:
    if root.findtext(IS_TRUNCATED) != "true":
        return {}
    key, version_id = decode(_text(root, NEXT_KEY_MARKER)), root.findtext(NEXT_VERSION_ID_MARKER)
    return {"KeyMarker": key} | ({"VersionIdMarker": version_id} if version_id else {})


def _is_archived(version: ElementTree.Element) -> bool:
    # A restored copy has a date at which it goes; one that is being restored has none yet.
    return (
        _text(version, STORAGE_CLASS).encode() in ARCHIVES and version.findtext(IS_RESTORED) is None
    )


def _text(element: ElementTree.Element, name: str) -> str:
    return element.findtext(name) or ""
