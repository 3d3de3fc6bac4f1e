"""Which content belongs to which channel.

The unit is the content (its SHA-256), so two objects of one content share a channel and no image
is both trained on and tested with. A content keeps the channel it was once given. Memory holds one
partition of the contents at a time, and a byte an object on a mapped file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from processing.common.container import CHANNELS
from processing.manifests.contents import UNKNOWN, Contents, Copies, Partitions
from processing.manifests.membership import Members, MembershipWriter
from processing.manifests.split import (
    Booleans,
    Codes,
    Integers,
    Movable,
    Moves,
    Split,
    refuse_small_classes,
)


@dataclass
class Assignment:
    """The channel of every object, and what was seen of their contents on the way.

    Attributes:
        channels: uint8 [objects], index of CHANNELS by staged row.
        counts: int64 [classes, channels], distinct contents.
        contents: how many are in the dataset.
        contents_added: against the newest earlier run.
        contents_removed: against the newest earlier run.
    """

    channels: Codes
    counts: Integers
    contents: int = 0
    contents_added: int = 0
    contents_removed: int = 0
    copies: Copies = field(default_factory=Copies)


@dataclass(frozen=True)
class Assigner:
    """All that a pass over the partitions needs.

    Attributes:
        class_labels: by the objects' `class`.
        memberships: of earlier runs, the oldest first.
    """

    partitions: Partitions
    objects: int
    class_labels: Sequence[str]
    memberships: Sequence[Path]
    split: Split

    def assign(self, membership: Path, folder: Path) -> Assignment:
        """Assigns every content, and writes `membership`.

        A new content's channel follows from its digest with the seed alone. Where that leaves a
        class short in a channel, new contents of the class are moved there, the lowest place
        first, from train if it can spare them.

        Raises:
            UserError: a class stays below the minimum in a channel.
        """
        assignment = self._pass(membership, folder, {})
        short: Booleans = np.any(assignment.counts < self.split.minimum, axis=1)
        if short.any():
            moves = self._moves(assignment.counts, short)
            assignment = self._pass(membership, folder, moves)
        refuse_small_classes(assignment.counts, self.class_labels, self.split.minimum)
        return assignment

    def _pass(self, membership: Path, folder: Path, moves: Moves) -> Assignment:
        channels: Codes = np.empty(0, np.uint8)
        if self.objects:
            channels = np.memmap(folder / "channels", np.uint8, "w+", shape=(self.objects,))
        result = Assignment(channels, np.zeros((len(self.class_labels), len(CHANNELS)), np.int64))
        with MembershipWriter(membership) as writer:
            for contents in self.partitions.contents(self.memberships):
                codes = self._channels(contents)
                _move(codes, contents, moves)
                members = Members(contents.digests, codes, contents.objects > 0)
                writer.append(members, contents.objects, contents.rows)
                _add(result, contents, codes)
        return result

    def _moves(self, counts: Integers, short: Booleans) -> Moves:
        movable = Movable(self.split)
        for contents in self.partitions.contents(self.memberships):
            new = (contents.earlier == UNKNOWN) & ~contents.in_several_classes
            wanted = new & short[contents.class_of]
            digests = contents.digests[wanted]
            movable.add(digests, contents.class_of[wanted], self._channels(contents)[wanted])
        return movable.moves(counts)

    def _channels(self, contents: Contents) -> Codes:
        remembered = contents.earlier != UNKNOWN
        codes = self.split.channels(contents.digests)
        codes[remembered] = contents.earlier[remembered]
        return codes


def _move(codes: Codes, contents: Contents, moves: Moves) -> None:
    if not moves:
        return
    for index, digest in enumerate(contents.digests):
        codes[index] = moves.get(digest.tobytes(), codes[index])


def _add(result: Assignment, contents: Contents, codes: Codes) -> None:
    result.channels[contents.rows] = codes[contents.content]
    present = contents.objects > 0
    result.contents += int(present.sum())
    result.contents_added += int((present & ~contents.was_present).sum())
    result.contents_removed += int((~present & contents.was_present).sum())
    content, classes = np.divmod(_distinct_pairs(contents, len(result.counts)), len(result.counts))
    result.counts += np.bincount(
        classes * len(CHANNELS) + codes[content], minlength=result.counts.size
    ).reshape(result.counts.shape)
    result.copies.add(contents)


def _distinct_pairs(contents: Contents, classes: int) -> Integers:
    """Numbers content x classes + class: one for each class that a content is filed under."""
    pairs = contents.content * classes + contents.classes
    several = contents.in_several_classes[contents.content]
    first = np.diff(contents.content, prepend=-1) != 0
    return np.concatenate([pairs[first & ~several], np.unique(pairs[several])])
