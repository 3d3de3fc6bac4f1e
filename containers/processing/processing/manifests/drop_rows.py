"""The rows of all complete drops, and what is to be said of each drop."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from processing.container import UserError
from processing.manifests.drop_check import DropCheck
from processing.manifests.drop_listing import Part
from processing.manifests.drops import WRITE_AGAIN, Drop
from processing.manifests.staging import STAGED_SCHEMA

MAXIMUM_WARNINGS = 20


@dataclass(frozen=True)
class IncludedDrop:
    """A complete drop, with its objects that count and their bytes in all."""

    id: str
    objects: int
    bytes: int


class DropRows:
    """Judges drops one after the other; the one that started the run must be sound."""

    def __init__(self, started_by: str) -> None:
        self._started_by = started_by
        self._labels: dict[str, int] = {}
        self._warnings: list[str] = []
        self.drops: list[IncludedDrop] = []

    @property
    def class_labels(self) -> tuple[str, ...]:
        """By the column `class`."""
        return tuple(self._labels)

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence each, no more than a person reads."""
        more = len(self._warnings) - MAXIMUM_WARNINGS
        shown = self._warnings[:MAXIMUM_WARNINGS]
        return (
            (*shown, f"{more} more warnings of this kind are left out.") if more > 0 else (*shown,)
        )

    def batches(
        self, checked: Iterable[tuple[Drop, DropCheck]], parts: Iterable[Part]
    ) -> Iterator[pa.RecordBatch]:
        """Rows that count, as STAGED_SCHEMA; the digest is null where no index gives it.

        parts: of the same drops in the same order.
        """
        groups = groupby(parts, attrgetter("drop"))
        group = next(groups, None)
        for drop, check in checked:
            objects = size = 0
            if group is not None and group[0] == drop:
                for batch in self._rows(check, group[1]):
                    objects += len(batch)
                    size += pc.sum(batch["size"]).as_py()
                    yield batch
                group = next(groups, None)
            check.finish()
            self._judge(drop, check, objects)
            self.drops.append(IncludedDrop(drop.id, objects, size))

    def _rows(self, check: DropCheck, parts: Iterable[Part]) -> Iterator[pa.RecordBatch]:
        drop = len(self.drops)
        for part in parts:
            for images in check.images(part):
                if part.class_label is None or not len(images):
                    continue
                label = self._labels.setdefault(part.class_label, len(self._labels))
                numbers = [np.full(len(images), number, np.int32) for number in (drop, label)]
                yield pa.RecordBatch.from_arrays([*images.columns, *numbers], schema=STAGED_SCHEMA)

    def _judge(self, drop: Drop, check: DropCheck, objects: int) -> None:
        more = f" (and {check.problems - 1} more such problems)" if check.problems > 1 else ""
        problem = f"{check.first_problem}{more}"
        if check.problems and drop.id == self._started_by:
            raise UserError(f'Drop "{drop.id}" cannot be used: {problem}.')
        if not objects and drop.id == self._started_by:
            raise UserError(
                f'Drop "{drop.id}" holds no images: upload them as <class label>/<file> '
                f"{WRITE_AGAIN}."
            )
        if check.problems:
            self._warnings.append(f'Drop "{drop.id}" is used in part: {problem}.')
        if check.hidden.count:
            self._warnings.append(
                f'Drop "{drop.id}": {check.hidden.count} files are ignored because a part of their '
                f'name begins with "_" or "." (first: "{check.hidden.name}").'
            )
