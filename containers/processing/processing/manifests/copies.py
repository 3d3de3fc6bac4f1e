"""Objects of one content: how many there are, with a few examples."""

from dataclasses import dataclass, field

import numpy as np

from processing.manifests.contents import Contents, Integers

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
