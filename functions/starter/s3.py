"""What S3 has of drops: their markers, and what a run made of them."""

import json
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from .records import UNUSED, WITHDRAWN, DropStatus, Marker, Run, is_drift

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger(__name__)

_PREFIX = "drops/"
# Of these S3 says the same when it is asked again.
_LASTING = frozenset({"NoSuchKey", "AccessDenied", "404", "403", "InvalidObjectState"})
DELETED = (
    "It, or its marker, was deleted before its run looked: write the marker if it is to count."
)


def marker_key(drop_id: str) -> str:
    """Where a drop's marker lies in the bucket of drops."""
    return f"{_PREFIX}{drop_id}/_SUCCESS"


class Markers:
    """Markers that are there, whoever told of them."""

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
        key = marker_key(drop_id)
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


class Datasets:
    """What runs made of their drops, as their CreateManifests wrote it down."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def unused(self, run: Run) -> dict[str, DropStatus]:
        """Of a run that succeeded, those of its drops that no model was trained on; empty where
        nothing can be known of that.
        """
        dataset = self._read(run.execution_arn.rpartition("/")[2])
        try:
            used = {drop["id"] for drop in dataset["included_drops"] if drop["objects"]}
            unused = {drop["id"]: drop["reason"] for drop in dataset["unused_drops"]}
        except (LookupError, TypeError):
            return {}
        return {
            drop_id: DropStatus(UNUSED, unused[drop_id])
            if drop_id in unused
            else DropStatus(WITHDRAWN, DELETED)
            for drop_id in run.drops
            if drop_id not in used and not is_drift(drop_id)
        }

    def _read(self, execution_id: str) -> Any:
        key = f"lineage/{execution_id}/dataset.json"
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            return json.loads(answer["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] not in _LASTING:
                raise
            logger.warning("What became of the drops of %s is not known: %s", execution_id, error)
        except ValueError as error:
            logger.warning("s3://%s/%s is no JSON (%s).", self._bucket, key, error)
        return None
