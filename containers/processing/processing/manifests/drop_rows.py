"""The rows of all complete drops, and what is to be said of each drop."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drops.names import class_label
from processing.manifests.drop_check import CHECKED_SCHEMA, DropCheck
from processing.manifests.drops import WRITE_AGAIN, Drop, Part, UnusedDrop
from processing.manifests.staging import STAGED_SCHEMA, Spool

Labelled = Iterator[tuple[str, pa.RecordBatch]]


@dataclass(frozen=True)
class IncludedDrop:
    """A drop of which something is used: its objects that count and their bytes in all.

    Attributes:
        left_out: its files that do not count.
        warnings: sentences that name the drop.
        problem: the one of them that its producer has to mend; empty where none has to be.
    """

    id: str
    objects: int
    bytes: int
    left_out: int
    warnings: tuple[str, ...]
    problem: str = ""


def cannot_be_used(drop_id: str, problem: str) -> UnusedDrop:
    """A drop of which nothing is used; the problem is a clause."""
    return UnusedDrop(drop_id, f'Drop "{drop_id}" cannot be used: {problem}.')


def is_used_in_part(drop_id: str, problem: str) -> str:
    """What is said of such a drop, a sentence; the problem is a clause."""
    return f'Drop "{drop_id}" is used in part: {problem}.'


class DropRows:
    """Judges drops one after the other.

    A new drop is used whole or not at all: what is odd about it, its producer can still mend. One
    that earlier runs used may have lost files since, on purpose: there the rest is used.

    Attributes:
        drops: those of which something is used, by the column `drop`.
        unused: the others.
    """

    def __init__(self, used_before: Set[str], folder: Path) -> None:
        """Begins with no drop; `folder` is for what waits until its drop is judged."""
        self._used_before = used_before
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._labels: dict[str, int] = {}
        self._written: dict[str, str] = {}
        self.drops: list[IncludedDrop] = []
        self.unused: list[UnusedDrop] = []
        self.twice_written: dict[str, None] = {}

    @property
    def class_labels(self) -> tuple[str, ...]:
        """By the column `class`."""
        return tuple(self._labels)

    def batches(
        self, checked: Iterable[tuple[Drop, DropCheck]], parts: Iterable[Part]
    ) -> Iterator[pa.RecordBatch]:
        """Rows that count, as STAGED_SCHEMA, of the parts of checked drops in the same order; the
        digest is null where no index gives it.
        """
        groups = groupby(parts, attrgetter("drop"))
        group = next(groups, None)
        for drop, check in checked:
            rows: Labelled = iter(())
            if group is not None and group[0] == drop:
                rows = _images(check, group[1])
            if drop.id not in self._used_before:
                rows = self._judged_first(check, rows)
            objects = size = 0
            for folder, images in rows:
                objects += len(images)
                size += pc.sum(images["size"]).as_py()
                yield self._staged(folder, images)
            if group is not None and group[0] == drop:
                group = next(groups, None)
            if drop.id in self._used_before:
                check.finish()
            self._tell(drop, check, objects, size)

    def _judged_first(self, check: DropCheck, rows: Labelled) -> Labelled:
        """The rows where nothing is wrong with any of them; else none."""
        spool, folders = Spool(self._folder / "drop.arrow", CHECKED_SCHEMA), []
        for folder, images in rows:
            folders.append(folder)
            spool.append(images)
        spool.close()
        check.finish()
        waiting = zip(folders, spool.batches(), strict=True)
        if not check.problems:
            yield from waiting

    def _staged(self, folder: str, images: pa.RecordBatch) -> pa.RecordBatch:
        label = class_label(folder)
        if self._written.setdefault(label, folder) != folder:
            self.twice_written[label] = None
        number = self._labels.setdefault(label, len(self._labels))
        numbers = [np.full(len(images), n, np.int32) for n in (len(self.drops), number)]
        return pa.RecordBatch.from_arrays([*images.columns, *numbers], schema=STAGED_SCHEMA)

    def _tell(self, drop: Drop, check: DropCheck, objects: int, size: int) -> None:
        more = f" (and {check.problems - 1} more such problems)" if check.problems > 1 else ""
        problem = f"{check.first_problem}{more}"
        if objects:
            warnings = tuple(_warnings(drop, check, problem))
            left_out = check.files - objects
            mend = warnings[0] if check.problems else ""
            self.drops.append(IncludedDrop(drop.id, objects, size, left_out, warnings, mend))
        elif check.problems:
            self.unused.append(cannot_be_used(drop.id, problem))
        else:
            self.unused.append(
                UnusedDrop(
                    drop.id,
                    f'Drop "{drop.id}" holds no images: upload them as <class label>/<file> '
                    f"{WRITE_AGAIN}.",
                )
            )


def _images(check: DropCheck, parts: Iterable[Part]) -> Labelled:
    for part in parts:
        for images in check.images(part):
            if part.class_label is not None and len(images):
                yield part.class_label, images


def _warnings(drop: Drop, check: DropCheck, problem: str) -> Iterator[str]:
    if check.problems:
        yield is_used_in_part(drop.id, problem)
    if check.hidden.count:
        are = "file is" if check.hidden.count == 1 else "files are"
        yield (
            f'Drop "{drop.id}": {check.hidden.count} {are} ignored, as systems and programs lay '
            f"such down beside images (first: {check.hidden.clause})."
        )
    if check.late.count:
        are = "file was" if check.late.count == 1 else "files were"
        yield (
            f'Drop "{drop.id}": {check.late.count} {are} written after its marker (first: '
            f"{check.late.clause}): this run takes what was there when it looked, a later run "
            "what came since; write the marker last."
        )
