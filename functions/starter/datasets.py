"""What a run made of its drops, as its CreateManifests wrote it down."""

import json
import logging
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from .records import UNUSED, WITHDRAWN, Fate, Run, is_drift

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger(__name__)

_SHORT_OF = frozenset({"NoSuchKey", "AccessDenied", "404", "403", "InvalidObjectState"})
"""Of these S3 says the same when it is asked again."""
DELETED = (
    "It, or its marker, was deleted before its run looked: write the marker if it is to count."
)


class Datasets:
    """The lineages of one bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def fates(self, run: Run) -> dict[str, Fate]:
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
            drop_id: Fate(UNUSED, unused[drop_id])
            if drop_id in unused
            else Fate(WITHDRAWN, DELETED)
            for drop_id in run.drops
            if drop_id not in used and not is_drift(drop_id)
        }

    def _read(self, execution_id: str) -> Any:
        key = f"lineage/{execution_id}/dataset.json"
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            return json.loads(answer["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] not in _SHORT_OF:
                raise
            logger.warning("What became of the drops of %s is not known: %s", execution_id, error)
        except ValueError as error:
            logger.warning("s3://%s/%s is no JSON (%s).", self._bucket, key, error)
        return None
