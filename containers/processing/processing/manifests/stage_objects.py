"""Every object that counts, with its digest, in the order of keys."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from processing.container import UserError
from processing.manifests.digests import Digests
from processing.manifests.drop_listing import DropListing
from processing.manifests.drop_rows import DropRows, IncludedDrop
from processing.manifests.drops import MARKER, UnusedDrop, find_drops, is_drop
from processing.manifests.earlier import Earlier
from processing.manifests.earlier_objects import Changes, EarlierObjects
from processing.manifests.listing import Lister
from processing.manifests.markers import read_markers
from processing.manifests.s3 import S3Client
from processing.manifests.settings import Settings
from processing.manifests.staging import BATCH_ROWS, STAGED_SCHEMA

PROGRESS_OBJECTS = 100_000
MAXIMUM_WARNINGS = 20
SHA256 = STAGED_SCHEMA.get_field_index("sha256")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Staged:
    """What is known once all objects are staged.

    drops and class_labels: by the columns `drop` and `class`, in the order of keys. unused_drops:
    complete ones of which nothing is used. bringing: ids of drops that have what the newest earlier
    run had not. refused: by a drop's id, what is wrong with its rows whose digest is null.
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
    shows only when its objects are read, it is among `refused`, and `leave_out_refused` is next.
    """
    bucket = settings.drops.bucket
    lister = Lister(s3, bucket)
    found = find_drops(lister, settings.drops)
    drop_rows = DropRows(earlier.drop_ids, folder / "judged")
    rows = drop_rows.batches(
        read_markers(s3, bucket, found.complete, folder / "markers"),
        DropListing(lister, folder / "listing").parts(found.complete),
    )
    earlier_objects = EarlierObjects(earlier.runs[-1].objects if earlier.runs else None)
    digests = Digests(s3, settings.drops, earlier.drop_ids)
    objects = 0
    news: set[int] = set()
    for batch in _joined(rows):
        whole, is_new = _with_digests(batch, earlier_objects, digests)
        append(whole)
        news.update(pc.unique(whole["drop"].filter(is_new)).to_pylist())
        if (objects + len(batch)) // PROGRESS_OBJECTS > objects // PROGRESS_OBJECTS:
            logger.info("%d objects are listed.", objects + len(batch))
        objects += len(batch)
    return Staged(
        drops=tuple(drop_rows.drops),
        incomplete_drops=found.incomplete,
        unused_drops=(*found.refused, *drop_rows.unused),
        class_labels=drop_rows.class_labels,
        twice_written=tuple(drop_rows.twice_written),
        objects=objects,
        changes=earlier_objects.finish(),
        bringing=frozenset(drop_rows.drops[number].id for number in news),
        refused=digests.refused,
    )


def judged(staged: Staged, settings: Settings) -> Staged:
    """The same with its warnings.

    Raises UserError when the drop that started the run is not used, or not whole, and no other has
    brought anything since the newest earlier run; when nothing at all can be used; or when all is
    of one class.
    """
    against = _against_starting_drop(settings, staged.drops, staged.unused_drops)
    if against and not (staged.bringing - {settings.drop_id} and staged.objects):
        raise UserError(against)
    if not staged.objects:
        raise UserError(_why_nothing(settings, staged.unused_drops))
    if len(staged.class_labels) == 1:
        more = f" {staged.unused_drops[0].reason}" if staged.unused_drops else ""
        raise UserError(
            f'All images are of one class, "{staged.class_labels[0]}": drop images of at least '
            f"one other class, in a class folder of its own.{more}"
        )
    return replace(staged, warnings=tuple(_warnings(staged, against)))


def _against_starting_drop(
    settings: Settings, drops: Iterable[IncludedDrop], unused: Iterable[UnusedDrop]
) -> str:
    """Why the drop that started the run is not used, or not whole; empty where it is."""
    drop_id = settings.drop_id
    if not is_drop(drop_id):
        return ""
    for drop in drops:
        if drop.id == drop_id:
            return drop.problem
    for left_out in unused:
        if left_out.id == drop_id:
            return left_out.reason
    return (
        f'Drop "{drop_id}" is not complete: {settings.drops.uri}{drop_id}/{MARKER} is missing; '
        "upload the drop's files and then this marker."
    )


def _why_nothing(settings: Settings, unused: Sequence[UnusedDrop]) -> str:
    if unused:
        more = f" (and {len(unused) - 1} more drops)" if len(unused) > 1 else ""
        return f"No drop can be used. {unused[0].reason}{more}"
    return (
        f"There is no complete drop below {settings.drops.uri}: upload one, and {MARKER} as its "
        "last file."
    )


def _warnings(staged: Staged, against: str) -> Iterator[str]:
    """A sentence each, no more of a kind than a person reads."""
    told = [drop.reason for drop in staged.unused_drops]
    if against and against not in told:
        told.insert(0, against)
    told += [warning for drop in staged.drops for warning in drop.warnings if warning != against]
    yield from told[:MAXIMUM_WARNINGS]
    if len(told) > MAXIMUM_WARNINGS:
        yield f"{len(told) - MAXIMUM_WARNINGS} more warnings of this kind are left out."
    for label in staged.twice_written:
        yield (
            f'Class "{label}" has folders whose names are written in two ways (an accented letter '
            "as one character or as two): they are one class."
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
