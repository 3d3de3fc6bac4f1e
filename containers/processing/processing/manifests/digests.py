"""SHA-256 of every object's content, with as few downloads as will do.

An ETag is no digest of the content where objects are encrypted with KMS or uploaded in parts.
"""

import base64
import hashlib
import logging
from collections.abc import Iterable, Mapping
from contextlib import closing

from processing.manifests.drop_files import DropFile
from processing.manifests.s3 import CONNECTIONS, S3Client, StoredObject
from processing.parallel import ordered_map

CHUNK_BYTES = 1 << 20
PROGRESS_EVERY = 10_000

logger = logging.getLogger(__name__)


def digests(
    s3: S3Client,
    bucket: str,
    files: Iterable[DropFile],
    earlier: Mapping[tuple[str, str], str],
) -> dict[str, str]:
    """SHA-256 in hex by key.

    From the drop's index, else from the earlier lineage by (key, version id), else from S3.
    """
    by_key: dict[str, str] = {}
    unknown: list[StoredObject] = []
    for file in files:
        stored = file.stored
        digest = file.sha256 or earlier.get((stored.key, stored.version_id))
        if digest is None:
            unknown.append(stored)
        else:
            by_key[stored.key] = digest
    computed = ordered_map(lambda stored: _sha256(s3, bucket, stored), unknown, CONNECTIONS)
    for done, (stored, digest) in enumerate(zip(unknown, computed, strict=True), start=1):
        by_key[stored.key] = digest
        if done % PROGRESS_EVERY == 0 or done == len(unknown):
            logger.info("Digests of files without an index: %d of %d.", done, len(unknown))
    return by_key


def _sha256(s3: S3Client, bucket: str, stored: StoredObject) -> str:
    answer = s3.get_object(
        Bucket=bucket, Key=stored.key, VersionId=stored.version_id, ChecksumMode="ENABLED"
    )
    checksum = answer.get("ChecksumSHA256", "")
    # A composite checksum, "<checksum>-<parts>", is that of the parts' checksums:
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    of_content = checksum and "-" not in checksum and answer.get("ChecksumType") != "COMPOSITE"
    with closing(answer["Body"]) as body:
        if of_content:
            return base64.b64decode(checksum).hex()
        digest = hashlib.sha256()
        for chunk in body.iter_chunks(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
