"""Lists S3 with boto3, without its reader of answers: that takes most of the time of a listing.

boto3 signs, sends and retries; the XML of an answer goes straight into Arrow.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus
from xml.etree import ElementTree

import pyarrow as pa

from processing.manifests.s3 import S3Client, StoredObject
from processing.manifests.settings import S3Folder

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
LISTED_SCHEMA = pa.schema([("key", pa.string()), ("version_id", pa.string()), ("size", pa.int64())])
# What boto3 reads in place of the answer.
EMPTY_ANSWER = b"<ListVersionsResult/>"
PAGE_KEYS = 1_000  # the most that S3 gives
OPERATION = "before-parse.s3.ListObjectVersions"


@dataclass(frozen=True)
class Page:
    """An answer of ListObjectVersions: current versions, deeper prefixes, and where to go on.

    last_prefix: that of the pages before.
    """

    root: ElementTree.Element
    next_page: dict[str, str]
    last_prefix: str

    def batch(self) -> pa.RecordBatch:
        """Keys, version ids and sizes, as LISTED_SCHEMA; deleted objects are left out."""
        found = self._current()
        columns = [
            self._texts(found, "Key"),
            [_text(version, "VersionId") for version in found],
            [int(_text(version, "Size")) for version in found],
        ]
        return pa.record_batch(columns, schema=LISTED_SCHEMA)

    def objects(self) -> Iterator[StoredObject]:
        """The same one by one, with the time of their last change."""
        found = self._current()
        for key, version in zip(self._texts(found, "Key"), found, strict=True):
            yield StoredObject(
                key,
                _text(version, "VersionId"),
                int(_text(version, "Size")),
                datetime.fromisoformat(_text(version, "LastModified")),
            )

    def prefixes(self) -> list[str]:
        """What lies deeper than the delimiter, deleted objects too."""
        found = self._texts(self.root.findall(f"{NAMESPACE}CommonPrefixes"), "Prefix")
        # Some S3-compatible servers name a prefix again that a page before ended in.
        return [prefix for prefix in found if prefix > self.last_prefix]

    def _current(self) -> list[ElementTree.Element]:
        versions = self.root.iterfind(f"{NAMESPACE}Version")
        return [version for version in versions if _text(version, "IsLatest") == "true"]

    def _texts(self, elements: list[ElementTree.Element], name: str) -> list[str]:
        texts = [_text(element, name) for element in elements]
        if self.root.findtext(f"{NAMESPACE}EncodingType") == "url":
            return [unquote_plus(text) for text in texts]
        return texts


class Lister:
    """Lists folders of one bucket; many threads may share one."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        s3.meta.events.register(OPERATION, _take_answer, unique_id="listing")

    def pages(self, prefix: str, delimiter: str = "") -> Iterator[Page]:
        """All pages below `prefix`, in the order of keys (UTF-8 bytes).

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html, which also
        serves a bucket without versions (their version id is "null").
        """
        request = {"Bucket": self._bucket, "Prefix": prefix, "EncodingType": "url"}
        request |= {"Delimiter": delimiter, "MaxKeys": PAGE_KEYS}
        page = Page(ElementTree.Element(""), {}, "")
        while True:
            answer = self._s3.list_object_versions(**request, **page.next_page)["Answer"]
            page = _page(answer, (page.prefixes() or [page.last_prefix])[-1])
            yield page
            if not page.next_page:
                return

    def find(self, key: str) -> StoredObject | None:
        """The current version of one object; None when there is none."""
        # The versions of a key come first among those of the keys that it begins.
        page = next(self.pages(key))
        return next((stored for stored in page.objects() if stored.key == key), None)


def list_folder(s3: S3Client, folder: S3Folder) -> Iterator[pa.RecordBatch]:
    """The current version of every object below `folder`, as LISTED_SCHEMA, in order of keys."""
    for page in Lister(s3, folder.bucket).pages(folder.prefix):
        yield page.batch()


def _take_answer(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    # An error's answer is boto3's to read.
    if response_dict["status_code"] == 200:
        customized_response_dict["Answer"] = response_dict["body"]
        response_dict["body"] = EMPTY_ANSWER


def _page(answer: bytes, last_prefix: str) -> Page:
    root = ElementTree.fromstring(answer)  # noqa: S314 - from S3 itself
    if root.findtext(f"{NAMESPACE}IsTruncated") != "true":
        return Page(root, {}, last_prefix)
    markers = {"KeyMarker": _text(root, "NextKeyMarker")}
    version = root.findtext(f"{NAMESPACE}NextVersionIdMarker")
    if version:
        markers["VersionIdMarker"] = version
    if root.findtext(f"{NAMESPACE}EncodingType") == "url":
        markers["KeyMarker"] = unquote_plus(markers["KeyMarker"])
    return Page(root, markers, last_prefix)


def _text(element: ElementTree.Element, name: str) -> str:
    return element.findtext(f"{NAMESPACE}{name}") or ""
