"""Which content belongs to which channel.

The unit is the content (its SHA-256), so two objects of one content share a channel and no image
is both trained on and tested with. A content keeps the channel it was once given.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass

from processing.channels import CHANNELS, Channel
from processing.container import UserError

Contents = Mapping[str, Set[str]]


@dataclass(frozen=True)
class Split:
    """How new contents are split: fractions of all, least contents a class and channel, seed."""

    validation_fraction: float
    test_fraction: float
    minimum: int
    seed: int


def assign_channels(
    classes: Contents, earlier: Mapping[str, Channel], split: Split
) -> dict[str, Channel]:
    """The channel of every content.

    classes: contents by class label. A content may be in two classes; it is then never moved.
    earlier: channels given in earlier runs; they stay.
    A new content's channel follows from its hash with the seed alone. Where that leaves a class
    short in a channel, new contents of the class are moved there, the lowest hash first, from
    train if it can spare them.

    Raises UserError when a class stays below the minimum in a channel.
    """
    classes_of = _classes_of(classes)
    channels = {
        content: earlier.get(content) or _channel_of(place(content, split.seed), split)
        for content in classes_of
    }
    movable = {
        content
        for content, labels in classes_of.items()
        if content not in earlier and len(labels) == 1
    }
    for label in sorted(classes):
        _fill(channels, classes[label], movable & classes[label], split)
    _refuse_small_classes(classes, channels, split.minimum)
    return channels


def place(content: str, seed: int) -> float:
    """A content's place between 0 and 1, spread evenly by its hash with the seed."""
    digest = hashlib.sha256(f"{seed}:{content}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _channel_of(at: float, split: Split) -> Channel:
    if at < split.test_fraction:
        return "test"
    if at < split.test_fraction + split.validation_fraction:
        return "validation"
    return "train"


def _classes_of(classes: Contents) -> dict[str, list[str]]:
    classes_of: defaultdict[str, list[str]] = defaultdict(list)
    for label in sorted(classes):
        for content in sorted(classes[label]):
            classes_of[content].append(label)
    return classes_of


def _fill(
    channels: dict[str, Channel], contents: Set[str], movable: Set[str], split: Split
) -> None:
    counts = count_channels(contents, channels)
    waiting = sorted(movable, key=lambda content: (place(content, split.seed), content))
    for channel in ("test", "validation", "train"):
        for donor in CHANNELS:
            if donor == channel:
                continue
            spare = min(split.minimum - counts[channel], counts[donor] - split.minimum)
            moved = [c for c in waiting if channels[c] == donor][: max(spare, 0)]
            channels.update(dict.fromkeys(moved, channel))
            counts[donor] -= len(moved)
            counts[channel] += len(moved)


def count_channels(contents: Set[str], channels: Mapping[str, Channel]) -> dict[Channel, int]:
    """How many of `contents` each channel holds."""
    counts: dict[Channel, int] = dict.fromkeys(CHANNELS, 0)
    for content in contents:
        counts[channels[content]] += 1
    return counts


def _refuse_small_classes(classes: Contents, channels: Mapping[str, Channel], minimum: int) -> None:
    short = [
        (label, channel, counts[channel], len(classes[label]))
        for label in sorted(classes)
        for counts in [count_channels(classes[label], channels)]
        for channel in CHANNELS
        if counts[channel] < minimum
    ]
    if not short:
        return
    label, channel, found, total = short[0]
    others = len({row[0] for row in short}) - 1
    raise UserError(
        f'Class "{label}" is too small: channel {channel} wants {minimum} different images of it '
        f"and has {found}, of {total} in all"
        + (f" (and {others} more classes are too small)" if others else "")
        + "; drop more images of it or lower MinimumPerClassAndChannel."
    )
