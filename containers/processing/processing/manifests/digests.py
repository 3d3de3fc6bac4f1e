"""SHA-256 of objects' contents, with as few downloads as will do.

An ETag is no digest of the content where objects are encrypted with KMS or uploaded in parts.
"""

import base64
import hashlib
import logging
from collections.abc import Mapping, Set
from contextlib import closing
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from processing.aws import broken_bodies_again
from processing.manifests.drops import WRITE_AGAIN
from processing.manifests.findings import quoted
from processing.manifests.s3 import CONNECTIONS, S3Client, refuses_one_object
from processing.manifests.settings import S3Folder
from processing.parallel import ordered_map

CHUNK_BYTES = 1 << 20
PROGRESS_OBJECTS = 10_000

logger = logging.getLogger(__name__)


class Digests:
    """Asks S3 for the contents of objects below `drops`.

    used_before: ids of drops that are used in part where some of their objects cannot be read. In
    another drop one such object is enough, and no more of it are asked for.
    """

    def __init__(self, s3: S3Client, drops: S3Folder, used_before: Set[str]) -> None:
        self._s3 = s3
        self._drops = drops
        self._used_before = used_before
        self._without_checksum: set[str] = set()
        self._refused: dict[str, tuple[str, str]] = {}
        self._lock = Lock()
        self._done = 0

    @property
    def refused(self) -> dict[str, str]:
        """By the drop's id, what S3 says of the first of its objects that cannot be read."""
        return {drop_id: clause for drop_id, (_, clause) in self._refused.items()}

    def fill(self, batch: pa.RecordBatch) -> pa.FixedSizeBinaryArray:
        """The column `sha256` of a batch with its nulls filled; key and version_id say of what.

        Null stays what S3 refuses, as `refused` says.
        """
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

    def _sha256(self, key: str, version_id: str) -> bytes | None:
        drop_id, _, name = key.removeprefix(self._drops.prefix).partition("/")
        # Objects are asked for in the order of keys: the first refused one is always asked for.
        if drop_id in self._refused and drop_id not in self._used_before:
            return None
        try:
            return self._read(drop_id, key, version_id)
        except ClientError as error:
            if not refuses_one_object(error):
                raise
            self._refuse(drop_id, name, error)
            return None

    def _refuse(self, drop_id: str, name: str, error: ClientError) -> None:
        said = error.response["Error"]
        clause = (
            f"S3 refuses to read {quoted(name)} ({said['Code']}: {said.get('Message', '')}); "
            f"upload it so that the job's role may read it {WRITE_AGAIN}"
        )
        with self._lock:
            refused = (name, clause)
            self._refused[drop_id] = min(self._refused.get(drop_id, refused), refused)

    @broken_bodies_again
    def _read(self, drop_id: str, key: str, version_id: str) -> bytes:
        request = {
            "Bucket": self._drops.bucket,
            "Key": key,
            "VersionId": version_id,
            "ChecksumMode": "ENABLED",
        }
        # One program uploads a drop: with checksums or without.
        if drop_id not in self._without_checksum:
            if checksum := self._ask(request):
                return checksum
            self._without_checksum.add(drop_id)
        answer = self._s3.get_object(**request)
        with closing(answer["Body"]) as body:
            if checksum := _of_content(answer):
                return checksum
            digest = hashlib.sha256()
            for chunk in body.iter_chunks(CHUNK_BYTES):
                digest.update(chunk)
        return digest.digest()

    def _ask(self, request: Mapping[str, str]) -> bytes | None:
        try:
            return _of_content(self._s3.head_object(**request))
        except ClientError as error:
            # GetObject says why, which HeadObject cannot.
            if not refuses_one_object(error):
                raise
            return None


def _of_content(answer: Mapping[str, Any]) -> bytes | None:
    """S3's own SHA-256 of a content.

    A composite checksum, "<checksum>-<parts>", is that of the parts' checksums:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    """
    checksum = answer.get("ChecksumSHA256", "")
    if not checksum or "-" in checksum or answer.get("ChecksumType") == "COMPOSITE":
        return None
    return base64.b64decode(checksum)
