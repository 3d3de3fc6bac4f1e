"""Every object that counts, with its digest, in the order of keys."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from processing.manifests.digests import Digests
from processing.manifests.drop_listing import DropListing
from processing.manifests.drop_rows import DropRows, IncludedDrop
from processing.manifests.drops import find_drops
from processing.manifests.earlier import Earlier
from processing.manifests.earlier_objects import Changes, EarlierObjects
from processing.manifests.listing import Lister
from processing.manifests.markers import read_markers
from processing.manifests.s3 import S3Client
from processing.manifests.settings import Settings
from processing.manifests.staging import BATCH_ROWS, STAGED_SCHEMA

PROGRESS_OBJECTS = 100_000
SHA256 = STAGED_SCHEMA.get_field_index("sha256")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Staged:
    """What is known once all objects are staged.

    drops and class_labels: by the columns `drop` and `class`, in the order of keys.
    """

    drops: tuple[IncludedDrop, ...]
    incomplete_drops: tuple[str, ...]
    class_labels: tuple[str, ...]
    objects: int
    changes: Changes
    warnings: tuple[str, ...]


def stage_objects(
    s3: S3Client,
    settings: Settings,
    earlier: Earlier,
    folder: Path,
    append: Callable[[pa.RecordBatch], None],
) -> Staged:
    """Hands all objects of complete drops to `append`, as batches of STAGED_SCHEMA.

    The drop that started the run must be sound. An earlier drop may have lost files since it was
    complete, so there the same is a warning, and such files are left out.

    Raises UserError when the drop that started the run has no marker, is empty, or holds a file
    outside a class folder or one that differs from its index.
    """
    bucket = settings.drops.bucket
    lister = Lister(s3, bucket)
    found = find_drops(lister, settings.drops, settings.drop_id)
    drop_rows = DropRows(settings.drop_id)
    rows = drop_rows.batches(
        read_markers(s3, bucket, found.complete, folder / "markers"),
        DropListing(lister, folder / "listing").parts(found.complete),
    )
    earlier_objects = EarlierObjects(earlier.runs[-1].objects if earlier.runs else None)
    digests = Digests(s3, bucket)
    objects = 0
    for batch in _joined(rows):
        append(_with_digests(batch, earlier_objects, digests))
        if (objects + len(batch)) // PROGRESS_OBJECTS > objects // PROGRESS_OBJECTS:
            logger.info("%d objects are listed.", objects + len(batch))
        objects += len(batch)
    return Staged(
        tuple(drop_rows.drops),
        found.incomplete,
        drop_rows.class_labels,
        objects,
        earlier_objects.finish(),
        drop_rows.warnings,
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
) -> pa.RecordBatch:
    """From the drop's index, else from the earlier run for the same version, else from S3."""
    rows = earlier_objects.rows(batch["key"])
    known = pc.coalesce(batch["sha256"], rows.digests_of(batch["version_id"]))
    batch = batch.set_column(SHA256, "sha256", known)
    batch = batch.set_column(SHA256, "sha256", digests.fill(batch))
    earlier_objects.compare(rows, batch)
    return batch
