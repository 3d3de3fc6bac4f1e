"""What several functions need, and each is deployed with: events, documents, metrics."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RETRAINING_SOURCE = "shardwise.drift"
"""Source of the one event of our own."""

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
_LOST = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


class EventType:
    """An event's `detail-type`; the rules in `infra` send what `infra/names.py` calls alike.

    Attributes:
        RETRAINING_REQUESTED: of drift: `detail` has `Id` (`drift/<model package group>/<version>`)
            and `PipelineName`.
        RUN_RELEASED: of `./scripts/drops --release`: `detail` has `By`, the ARN of who typed it.
    """

    OBJECT_CREATED = "Object Created"
    EXECUTION_CHANGED = "SageMaker Model Building Pipeline Execution Status Change"
    STEP_CHANGED = "SageMaker Model Building Pipeline Execution Step Status Change"
    MODEL_PACKAGE_CHANGED = "SageMaker Model Package State Change"
    STACK_CHANGED = "CloudFormation Stack Status Change"
    SCHEDULED = "Scheduled Event"
    RETRAINING_REQUESTED = "Retraining Requested"
    RUN_RELEASED = "Run Released"


class Documents:
    """Small JSON documents of one bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read(self, key: str) -> tuple[dict[str, Any], str] | None:
        """The document and its ETag; None where there is none."""
        # A role that may list one prefix only is refused what is not there, not told so.
        listed = self._client.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        if key not in (stored["Key"] for stored in listed.get("Contents", [])):
            return None
        found = self._client.get_object(Bucket=self._bucket, Key=key)
        return json.load(found["Body"]), found["ETag"]

    def write(self, key: str, content: dict[str, Any], **condition: str) -> str:
        """Writes, on S3's `IfMatch` or `IfNoneMatch`, over what is there; gives the new ETag."""
        return self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=json.dumps(content, indent=1).encode(),
            ContentType="application/json",
            **condition,  # type: ignore[arg-type]
        )["ETag"]

    def replace(self, key: str, content: dict[str, Any], etag: str | None) -> str | None:
        """Writes where nothing is, or in place of what has the ETag.

        Returns:
            The new ETag, or None where another was faster.
        """
        try:
            if etag is None:
                return self.write(key, content, IfNoneMatch="*")
            return self.write(key, content, IfMatch=etag)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _LOST:
                return None
            raise


@dataclass(frozen=True)
class Point:
    """A data point of a metric that AWS does not publish itself; `unit` is CloudWatch's word."""

    name: str
    value: float
    unit: str
    dimensions: Mapping[str, str] = field(default_factory=dict)


def put_points(
    client: Any, namespace: str, points: Iterable[Point], time: datetime | None = None
) -> None:
    """Publishes points of one time, or of now, if there are any."""
    stamp = {} if time is None else {"Timestamp": time}
    data = [
        {
            "MetricName": point.name,
            "Dimensions": [{"Name": name, "Value": of} for name, of in point.dimensions.items()],
            "Value": point.value,
            "Unit": point.unit,
            **stamp,
        }
        for point in points
    ]
    if data:
        client.put_metric_data(Namespace=namespace, MetricData=data)
