"""SHA-256 of objects' contents, with as few downloads as will do.

An ETag is no digest of the content where objects are encrypted with KMS or uploaded in parts.
"""

import base64
import hashlib
import logging
from contextlib import closing

import pyarrow as pa
import pyarrow.compute as pc

from processing.aws import broken_bodies_again
from processing.manifests.s3 import CONNECTIONS, S3Client
from processing.parallel import ordered_map

CHUNK_BYTES = 1 << 20
PROGRESS_OBJECTS = 10_000

logger = logging.getLogger(__name__)


class Digests:
    """Asks S3 for the contents of one bucket's objects."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._done = 0

    def fill(self, batch: pa.RecordBatch) -> pa.FixedSizeBinaryArray:
        """The column `sha256` of a batch with its nulls filled; key and version_id say of what."""
        unknown = batch["sha256"].is_null()
        asked = batch.filter(unknown)
        if not len(asked):
            return batch["sha256"]
        versions = zip(asked["key"].to_pylist(), asked["version_id"].to_pylist(), strict=True)
        found = []
        for digest in ordered_map(lambda version: self._sha256(*version), versions, CONNECTIONS):
            found.append(digest)
            self._done += 1
            if self._done % PROGRESS_OBJECTS == 0:
                logger.info("Digests of %d files without an index are known.", self._done)
        return pc.replace_with_mask(batch["sha256"], unknown, pa.array(found, pa.binary(32)))

    @broken_bodies_again
    def _sha256(self, key: str, version_id: str) -> bytes:
        answer = self._s3.get_object(
            Bucket=self._bucket, Key=key, VersionId=version_id, ChecksumMode="ENABLED"
        )
        checksum = answer.get("ChecksumSHA256", "")
        # A composite checksum, "<checksum>-<parts>", is that of the parts' checksums:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
        of_content = checksum and "-" not in checksum and answer.get("ChecksumType") != "COMPOSITE"
        with closing(answer["Body"]) as body:
            if of_content:
                return base64.b64decode(checksum)
            digest = hashlib.sha256()
            for chunk in body.iter_chunks(CHUNK_BYTES):
                digest.update(chunk)
        return digest.digest()
