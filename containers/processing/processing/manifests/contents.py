"""The objects of a run grouped by content, a part of all contents at a time.

Objects are scattered over files by the first bits of their digest, so that each file can be grouped
by itself, in memory, and the files follow one another in the order of digests.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import RawIOBase
from pathlib import Path

import numpy as np
import numpy.typing as npt

from processing.manifests.membership import Members, MembershipReader, digests_of
from processing.manifests.split import DIGEST, Digests, words
from processing.manifests.staging import StagedObjects

# `row` is the object's place among the staged ones.
OBJECT = np.dtype([("digest", DIGEST), ("row", "<u4"), ("class", "<u4")])
OBJECTS_PER_PARTITION = 8_192
# Files open at a time while scattering.
MAXIMUM_BITS = 9

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
UNKNOWN = -1


@dataclass(frozen=True)
class Contents:
    """Distinct contents, sorted by digest, and the objects that hold them.

    earlier: each content's channel in earlier runs, or UNKNOWN. was_present: whether the newest
    earlier dataset held it. rows, classes, content: of each object, the last the index of its
    content; sorted by content and row.
    """

    digests: Digests
    earlier: Integers
    was_present: Booleans
    rows: Integers
    classes: Integers
    content: Integers

    @cached_property
    def objects(self) -> Integers:
        """How many objects hold each content; 0 where it is only remembered."""
        return np.bincount(self.content, minlength=len(self.digests))

    @cached_property
    def class_of(self) -> Integers:
        """The class of each content's first object; 0 where it has none."""
        classes = np.zeros(len(self.digests), np.int64)
        classes[self.content[::-1]] = self.classes[::-1]
        return classes

    @cached_property
    def in_several_classes(self) -> Booleans:
        """Whether the objects of each content are filed under more than one class."""
        several = np.zeros(len(self.digests), np.bool_)
        several[self.content[self.classes != self.class_of[self.content]]] = True
        return several


class Partitions:
    """All objects, scattered over files in `folder` by the first `bits` bits of their digest.

    objects: how many there are, or how many contents are remembered where these are more.
    """

    def __init__(self, staged: StagedObjects, objects: int, folder: Path) -> None:
        wanted = max(objects // OBJECTS_PER_PARTITION, 1)
        self._bits = min((wanted - 1).bit_length(), MAXIMUM_BITS)
        folder.mkdir(parents=True, exist_ok=True)
        self._paths = [folder / f"{index:03d}" for index in range(1 << self._bits)]
        files = [path.open("wb", buffering=0) for path in self._paths]
        try:
            row = 0
            for batch in staged.batches("sha256", "class"):
                records = np.empty(len(batch), OBJECT)
                records["digest"] = digests_of(batch["sha256"])
                records["row"] = np.arange(row, row + len(batch))
                records["class"] = batch["class"].to_numpy()
                row += len(batch)
                self._scatter(records, files)
        finally:
            for file in files:
                file.close()

    def _scatter(self, records: npt.NDArray[np.void], files: Sequence[RawIOBase]) -> None:
        leading = np.ascontiguousarray(records["digest"]).view(">u2").reshape(-1, 16)[:, 0]
        index = leading.astype(np.uint16) >> (16 - self._bits)
        # A stable sort of 16-bit numbers is a radix sort, linear in time.
        order = np.argsort(index, kind="stable")
        # take() moves whole records; indexing would copy them field by field.
        ordered = records.take(order)
        ends = np.cumsum(np.bincount(index, minlength=len(files)))
        start = 0
        for file, end in zip(files, ends.tolist(), strict=True):
            if start < end:
                file.write(ordered[start:end].data)
            start = end

    def contents(self, memberships: Sequence[Path]) -> Iterator[Contents]:
        """The contents of each partition, with what earlier runs remember, lowest digest first.

        memberships: of earlier runs, the oldest first. Where two differ the older one counts.
        """
        readers = [MembershipReader(path) for path in memberships]
        for index, path in enumerate(self._paths):
            bound = (index + 1) << (64 - self._bits)
            yield _group(np.fromfile(path, OBJECT), [reader.below(bound) for reader in readers])


def _group(objects: npt.NDArray[np.void], remembered: Sequence[Members]) -> Contents:
    known = Members.join(remembered)
    was_present = np.zeros(len(known) + len(objects), np.bool_)
    if remembered:
        newest = len(known) - len(remembered[-1])
        was_present[newest : len(known)] = remembered[-1].present
    channels = np.full(len(was_present), UNKNOWN, np.int64)
    channels[: len(known)] = known.channels
    digests = np.concatenate([known.digests, objects["digest"]])

    # The order is stable: what is remembered comes first in its content, the oldest first of all.
    order, content = _order_by_digest(digests)
    first = np.flatnonzero(np.diff(content, prepend=-1))
    held = order >= len(known)
    source = objects.take(order[held] - len(known))
    return Contents(
        digests=digests.take(order[first]),
        earlier=channels[order[first]],
        was_present=np.logical_or.reduceat(was_present[order], first) if len(first) else held,
        rows=source["row"].astype(np.int64),
        classes=source["class"].astype(np.int64),
        content=content[held],
    )


def _order_by_digest(digests: Digests) -> tuple[Integers, Integers]:
    """A stable order, and in that order the index of each one's distinct digest."""
    numbers = words(digests)
    leading = numbers[:, 0].astype(np.uint64)
    order = np.argsort(leading, kind="stable")
    tied = np.flatnonzero(np.diff(leading[order]) == 0)
    same = (numbers[order[tied]] == numbers[order[tied + 1]]).all(axis=1)
    new = np.ones(len(digests), np.bool_)
    if same.all():
        new[tied + 1] = False
    else:
        order = np.lexsort(numbers.T[::-1])
        new[1:] = (numbers[order[1:]] != numbers[order[:-1]]).any(axis=1)
    return order, np.cumsum(new) - 1
