"""What is kept in S3: the last comparison."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

COMPARISON = "drift/comparison.json"


@dataclass(frozen=True)
class Records:
    """Small JSON documents in one bucket."""

    client: "S3Client"
    bucket: str

    def read(self, key: str) -> dict[str, Any] | None:
        """The document, or None where there is none."""
        # A role that may list one prefix only is refused what is not there, not told so.
        listed = self.client.list_objects_v2(Bucket=self.bucket, Prefix=key, MaxKeys=1)
        if key not in (stored["Key"] for stored in listed.get("Contents", [])):
            return None
        body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"]
        found: dict[str, Any] = json.load(body)
        return found

    def write(self, key: str, content: dict[str, Any]) -> None:
        self.client.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=json.dumps(content, indent=1).encode(),
            ContentType="application/json",
        )


def name_of(package: str) -> str:
    """`<model package group>/<version>` of an ARN."""
    return package.partition(":model-package/")[2]
