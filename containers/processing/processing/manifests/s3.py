"""What CreateManifests asks of S3."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from processing.aws import ONE_STREAM, Client, broken_bodies_again, client

# Requests in flight; more would only wait for the network.
CONNECTIONS = 16

S3Client = Client

# Encrypted with a key of the producer's own, withheld, archived or deleted: S3 says so again when
# it is asked again, of this object and perhaps of no other.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
_OF_ONE_OBJECT = frozenset(
    {
        "AccessDenied",
        "InvalidObjectState",
        "InvalidRequest",
        "NoSuchKey",
        "NoSuchVersion",
        # HeadObject has no words, and downloads begin with one.
        "400",
        "403",
        "404",
    }
)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The current version of an object; size in bytes. archived: it cannot be read as it is."""

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
def download(s3: S3Client, bucket: str, stored: StoredObject, path: Path) -> Path:
    """Writes the very version that was listed to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    version = {"VersionId": stored.version_id}
    s3.download_file(bucket, stored.key, str(path), ExtraArgs=version, Config=ONE_STREAM)
    return path
