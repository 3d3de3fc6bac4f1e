"""How a new content finds its channel: from its digest and the seed, if its class is not short."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from processing.common.buckets import Places, shift_of
from processing.common.container import CHANNELS, UserError
from records.spread import spread

TRAIN, VALIDATION, TEST = range(len(CHANNELS))

# Digests are 32 opaque bytes to numpy, so that they can be moved in one piece.
DIGEST = np.dtype("V32")

Digests = npt.NDArray[np.void]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Split:
    """How new contents are split: fractions of all, least contents a class and channel, seed."""

    validation_fraction: float
    test_fraction: float
    minimum: int
    seed: int

    def places(self, digests: Digests) -> Places:
        """Each content's place, spread evenly over 0 … 2^64 - 1 and different for another seed.

        It follows from the first 8 bytes of the digest.
        """
        return spread(first_words(digests) + shift_of(self.seed))

    def channels(self, digests: Digests) -> Codes:
        """Each content's channel, as an index of CHANNELS."""
        places = self.places(digests)
        codes = np.full(len(digests), TRAIN, np.uint8)
        codes[places < _share_of_places(self.test_fraction + self.validation_fraction)] = VALIDATION
        codes[places < _share_of_places(self.test_fraction)] = TEST
        return codes


def first_words(digests: Digests) -> Places:
    """The first 8 bytes of each digest as numbers, which sort as the digests do."""
    return words(digests)[:, 0].astype(np.uint64)


def words(digests: Digests) -> npt.NDArray[np.uint64]:
    """Digests as [n, 4] numbers in big-endian order."""
    return np.ascontiguousarray(digests).view(">u8").reshape(-1, 4)


def _share_of_places(fraction: float) -> np.uint64:
    return np.uint64(min(int(fraction * 2**64), 2**64 - 1))


# The channel that a content is moved to, by its digest.
Moves = dict[bytes, int]


class SmallClassesError(UserError):
    """Classes that are too small for the channels: what is wrong, by their numbers."""

    def __init__(self, sentence: str, clauses: dict[int, str]) -> None:
        super().__init__(sentence)
        self.clauses = clauses


@dataclass
class Movable:
    """The new contents of short classes, as many as may have to be moved.

    Of each class and channel only the lowest places are kept: what both other channels can want.
    """

    split: Split
    _digests: Digests = field(default_factory=lambda: np.empty(0, DIGEST))
    _classes: Integers = field(default_factory=lambda: np.empty(0, np.int64))
    _channels: Codes = field(default_factory=lambda: np.empty(0, np.uint8))

    def add(self, digests: Digests, classes: Integers, channels: Codes) -> None:
        """Adds new contents, each with its class and the channel of its place."""
        digests = np.concatenate([self._digests, digests])
        classes = np.concatenate([self._classes, classes])
        channels = np.concatenate([self._channels, channels])
        order = np.lexsort((self.split.places(digests), channels, classes))
        group = (classes * len(CHANNELS) + channels)[order]
        rank = np.arange(len(order)) - np.searchsorted(group, group)
        kept = order[rank < 2 * self.split.minimum]
        self._digests, self._classes = digests[kept], classes[kept]
        self._channels = channels[kept]

    def moves(self, counts: Integers) -> Moves:
        """Where contents go so that each class has its minimum, as far as it can be had.

        Counts are of distinct contents before any move, [classes, channels].
        """
        order = np.lexsort((self.split.places(self._digests), self._classes))
        waiting: defaultdict[int, dict[bytes, int]] = defaultdict(dict)
        for index in order.tolist():
            label = int(self._classes[index])
            waiting[label][self._digests[index].tobytes()] = int(self._channels[index])
        moves: Moves = {}
        for label, channels in waiting.items():
            moves |= _fill(channels, counts[label].tolist(), self.split.minimum)
        return moves


def _fill(channels: dict[bytes, int], counts: list[int], minimum: int) -> Moves:
    moves: Moves = {}
    for channel in (TEST, VALIDATION, TRAIN):
        for donor in (TRAIN, VALIDATION, TEST):
            spare = min(minimum - counts[channel], counts[donor] - minimum)
            if donor == channel or spare <= 0:
                continue
            moved = [content for content, held in channels.items() if held == donor][:spare]
            for content in moved:
                channels[content] = moves[content] = channel
            counts[donor] -= len(moved)
            counts[channel] += len(moved)
    return moves


def refuse_small_classes(counts: Integers, class_labels: Sequence[str], minimum: int) -> None:
    """SmallClassesError that names the first class below the minimum: channel, wanted and found.

    Counts are of distinct contents, [classes, channels]; one in two classes counts in both.
    """
    clauses = {
        index: _clause(class_labels[index], counts[index].tolist(), minimum)
        for index in sorted(range(len(counts)), key=class_labels.__getitem__)
        if (counts[index] < minimum).any()
    }
    if not clauses:
        return
    first = next(iter(clauses.values()))
    more = f" (and {len(clauses) - 1} more classes are too small)" if len(clauses) > 1 else ""
    problem, _, advice = first.rpartition("; ")
    raise SmallClassesError(f"{problem[0].upper()}{problem[1:]}{more}; {advice}.", clauses)


def _clause(label: str, found: Sequence[int], minimum: int) -> str:
    channel = next(number for number, count in enumerate(found) if count < minimum)
    return (
        f'class "{label}" is too small: channel {CHANNELS[channel]} wants {minimum} different '
        f"images of it and has {found[channel]}, of {sum(found)} in all; drop more images of it or "
        "lower MinimumPerClassAndChannel"
    )
