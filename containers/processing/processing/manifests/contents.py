"""The objects of a run grouped by content, a part of all contents at a time.

Objects are scattered over files by the first bits of their digest, so that each file can be grouped
by itself, in memory, and the files follow one another in the order of digests.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import RawIOBase
from pathlib import Path

import numpy as np
import numpy.typing as npt

from processing.manifests.membership import Members, MembershipReader, digests_of
from processing.manifests.split import DIGEST, Booleans, Digests, Integers, words
from processing.manifests.staging import StagedObjects

# `row` is the object's place among the staged ones.
STAGED_OBJECT = np.dtype([("digest", DIGEST), ("row", "<u4"), ("class", "<u4")])
OBJECTS_PER_PARTITION = 8_192
# Files open at a time while scattering.
MAXIMUM_BITS = 9

UNKNOWN = -1


@dataclass(frozen=True)
class Contents:
    """Distinct contents, sorted by digest, and the objects that hold them.

    Attributes:
        digests: [contents].
        earlier: int64 [contents], the channel in earlier runs, or UNKNOWN.
        was_present: bool [contents], whether the newest earlier dataset held it.
        rows: int64 [objects], staged row; sorted by content and row.
        classes: int64 [objects], index of the class label.
        content: int64 [objects], index of its content.
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

    Args:
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
                records = np.empty(len(batch), STAGED_OBJECT)
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

        Memberships have the oldest run first; where two differ the older one counts.
        """
        readers = [MembershipReader(path) for path in memberships]
        for index, path in enumerate(self._paths):
            bound = (index + 1) << (64 - self._bits)
            yield _group(
                np.fromfile(path, STAGED_OBJECT), [reader.below(bound) for reader in readers]
            )


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


# Enough to look into; the tables in Parquet hold all.
EXAMPLES = 20
OBJECTS_OF_EXAMPLE = 5


@dataclass
class Copies:
    """Contents that several objects hold, and those filed under several classes.

    An example is the staged rows of one content's objects, at most OBJECTS_OF_EXAMPLE of them; of
    those filed under several classes, the first row of each class, and one more than that. The
    examples with the lowest rows are kept.
    """

    contents: int = 0
    objects: int = 0
    conflicts: int = 0
    examples: list[list[int]] = field(default_factory=list)
    conflict_examples: list[list[int]] = field(default_factory=list)

    def add(self, contents: Contents) -> None:
        """Counts the copies of one partition."""
        objects = contents.objects
        copied = np.flatnonzero(objects > 1)
        if not len(copied):
            return
        self.contents += len(copied)
        self.objects += int(objects[copied].sum())
        starts = np.searchsorted(contents.content, copied)
        self.examples = _lowest(
            self.examples,
            [_rows(contents, start) for start in _first(contents, starts, self.examples)],
        )
        conflicts = _conflicts(contents, starts, starts + objects[copied])
        self.conflicts += len(conflicts)
        self.conflict_examples = _lowest(
            self.conflict_examples,
            [
                _one_row_a_class(contents, start)
                for start in _first(contents, conflicts, self.conflict_examples)
            ],
        )

    def rows(self) -> set[int]:
        """All rows that the examples name."""
        return {row for rows in (*self.examples, *self.conflict_examples) for row in rows}


def _first(contents: Contents, starts: Integers, kept: list[list[int]]) -> list[int]:
    """Those of `starts` that can be among the lowest EXAMPLES, with those kept already."""
    if len(kept) == EXAMPLES:
        starts = starts[contents.rows[starts] < kept[-1][0]]
    order = np.argsort(contents.rows[starts], kind="stable")
    return [int(start) for start in starts[order][:EXAMPLES]]


def _lowest(kept: list[list[int]], more: list[list[int]]) -> list[list[int]]:
    return sorted([*kept, *more])[:EXAMPLES]


def _rows(contents: Contents, start: int) -> list[int]:
    end = start + min(int(contents.objects[contents.content[start]]), OBJECTS_OF_EXAMPLE)
    rows: list[int] = contents.rows[start:end].tolist()
    return rows


def _conflicts(contents: Contents, starts: Integers, ends: Integers) -> Integers:
    """Those of `starts` whose objects differ in class."""
    changes = np.concatenate([[0], np.cumsum(np.diff(contents.classes) != 0)])
    different: Integers = starts[changes[starts] != changes[ends - 1]]
    return different


def _one_row_a_class(contents: Contents, start: int) -> list[int]:
    end = start + int(contents.objects[contents.content[start]])
    _, first = np.unique(contents.classes[start:end], return_index=True)
    rows: list[int] = contents.rows[start + np.sort(first)].tolist()
    return rows[: OBJECTS_OF_EXAMPLE + 1]
