"""Markers that are there, whoever told of them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .records import Marker

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PREFIX = "drops/"


def key_of(drop_id: str) -> str:
    return f"{_PREFIX}{drop_id}/_SUCCESS"


class Markers:
    """Of one bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def drop_ids(self) -> Iterator[str]:
        """Ids of all drops, complete or not, be they fit for one or not."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=_PREFIX, Delimiter="/"
        )
        for page in pages:
            for prefix in page.get("CommonPrefixes", []):
                yield prefix["Prefix"].removeprefix(_PREFIX).removesuffix("/")

    def find(self, drop_id: str) -> Marker | None:
        """A drop's marker; None where it is not complete."""
        key = key_of(drop_id)
        listed = self._client.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        for found in listed.get("Contents", []):
            if found["Key"] == key:
                return Marker(
                    drop_id=drop_id,
                    written=found["LastModified"],
                    etag=found["ETag"].strip('"'),
                    size=found["Size"],
                )
        return None
