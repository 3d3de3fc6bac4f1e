"""What CreateManifests asks of S3."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from processing.aws import ONE_STREAM, Client, broken_bodies_again, client

# Requests in flight; more would only wait for the network.
CONNECTIONS = 16

S3Client = Client


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The current version of an object; size in bytes."""

    key: str
    version_id: str
    size: int
    last_modified: datetime


def s3_client() -> S3Client:
    """A client that many threads may use at once."""
    # Two levels of folders are listed at a time.
    return client("s3", 2 * CONNECTIONS)


@broken_bodies_again
def download(s3: S3Client, bucket: str, stored: StoredObject, path: Path) -> Path:
    """Writes the very version that was listed to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    version = {"VersionId": stored.version_id}
    s3.download_file(bucket, stored.key, str(path), ExtraArgs=version, Config=ONE_STREAM)
    return path
