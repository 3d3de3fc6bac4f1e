"""Every object that counts, with its SHA-256, in the order of keys; as few downloads as will do."""

import base64
import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from drops.s3_uri import S3Uri
from processing.common.aws import broken_bodies_again
from processing.common.container import quoted
from processing.common.parallel import ordered_map
from processing.manifests.drop_check import read_markers
from processing.manifests.drop_rows import DropRows, IncludedDrop
from processing.manifests.drops import WRITE_AGAIN, DropListing, UnusedDrop, find_drops
from processing.manifests.earlier import Changes, Earlier, EarlierObjects
from processing.manifests.s3 import CONNECTIONS, Lister, S3Client, refuses_one_object
from processing.manifests.settings import Settings
from processing.manifests.staging import BATCH_ROWS, STAGED_SCHEMA

CHUNK_BYTES = 1 << 20
PROGRESS_DOWNLOADS = 10_000

logger = logging.getLogger(__name__)


class Digests:
    """Asks S3 for the contents of objects below `drops`.

    Args:
        used_before: ids of drops that are used in part where some of their objects cannot be read.
            In another drop one such object is enough, and no more of it are asked for.
    """

    def __init__(self, s3: S3Client, drops: S3Uri, used_before: Set[str]) -> None:
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
            if self._done % PROGRESS_DOWNLOADS == 0:
                logger.info("Digests of %d files without an index are known.", self._done)
        return pc.replace_with_mask(batch["sha256"], unknown, pa.array(found, pa.binary(32)))

    def _sha256(self, key: str, version_id: str) -> bytes | None:
        drop_id, _, name = key.removeprefix(self._drops.key).partition("/")
        # Objects are asked for in the order of keys: the first refused one is always asked for.
        if drop_id in self._refused and drop_id not in self._used_before:
            return None
        try:
            return self._read(drop_id, key, version_id)
        except ClientError as error:
            if not refuses_one_object(error):
                raise
            why = error.response["Error"]
            clause = (
                f"S3 refuses to read {quoted(name)} ({why['Code']}: {why.get('Message', '')}); "
                f"upload it so that the job's role may read it {WRITE_AGAIN}"
            )
            refused = (name, clause)
            with self._lock:
                self._refused[drop_id] = min(self._refused.get(drop_id, refused), refused)
            return None

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


PROGRESS_OBJECTS = 100_000
SHA256 = STAGED_SCHEMA.get_field_index("sha256")


@dataclass(frozen=True)
class Staged:
    """What is known once all objects are staged.

    Attributes:
        drops, class_labels: by the columns `drop` and `class`, in the order of keys.
        unused_drops: complete ones of which nothing is used.
        bringing: ids of drops that have what the newest earlier run had not.
        refused: by a drop's id, what is wrong with its rows whose digest is null.
        warnings: none before `judged`.
    """

    drops: tuple[IncludedDrop, ...]
    incomplete_drops: tuple[str, ...]
    unused_drops: tuple[UnusedDrop, ...]
    class_labels: tuple[str, ...]
    twice_written: tuple[str, ...]
    objects: int
    changes: Changes
    bringing: frozenset[str]
    refused: Mapping[str, str]
    warnings: tuple[str, ...] = ()


def stage_objects(
    s3: S3Client,
    settings: Settings,
    earlier: Earlier,
    folder: Path,
    append: Callable[[pa.RecordBatch], None],
) -> Staged:
    """Hands all objects of complete drops to `append`, as batches of STAGED_SCHEMA.

    A drop that cannot be used is left out and named, as it alone waits for a person. Where that
    shows only when its objects are read, it is among `refused`.
    """
    lister = Lister(s3, settings.drops.bucket)
    found = find_drops(lister, settings.drops)
    drop_rows = DropRows(earlier.drop_ids, folder / "judged")
    rows = drop_rows.batches(
        read_markers(s3, settings.drops.bucket, found.complete, folder / "markers"),
        DropListing(lister, folder / "listing").parts(found.complete),
    )
    earlier_objects = EarlierObjects(earlier.newest_objects)
    digests = Digests(s3, settings.drops, earlier.drop_ids)
    objects, news = 0, set[int]()
    for batch in _joined(rows):
        whole, is_new = _with_digests(batch, earlier_objects, digests)
        append(whole)
        news.update(pc.unique(whole["drop"].filter(is_new)).to_pylist())
        before, objects = objects, objects + len(batch)
        if objects // PROGRESS_OBJECTS > before // PROGRESS_OBJECTS:
            logger.info("%d objects are listed.", objects)
    return Staged(
        drops=tuple(drop_rows.drops),
        incomplete_drops=tuple(found.incomplete),
        unused_drops=(*found.refused, *drop_rows.unused),
        class_labels=drop_rows.class_labels,
        twice_written=tuple(drop_rows.twice_written),
        objects=objects,
        changes=earlier_objects.finish(),
        bringing=frozenset(drop_rows.drops[number].id for number in news),
        refused=digests.refused,
    )


def _joined(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    # Few large batches are joined and downloaded faster than many small ones.
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(len(rows) for rows in waiting) >= BATCH_ROWS:
            yield pa.concat_batches(waiting)
            waiting = []
    if waiting:
        yield pa.concat_batches(waiting)


def _with_digests(
    batch: pa.RecordBatch, earlier_objects: EarlierObjects, digests: Digests
) -> tuple[pa.RecordBatch, pa.BooleanArray]:
    """From the drop's index, else from the earlier run for the same version, else from S3; and
    which rows the earlier run did not have so.
    """
    rows = earlier_objects.rows(batch["key"])
    known = pc.coalesce(batch["sha256"], rows.digests_of(batch["version_id"]))
    batch = batch.set_column(SHA256, "sha256", known)
    batch = batch.set_column(SHA256, "sha256", digests.fill(batch))
    return batch, earlier_objects.compare(rows, batch)
