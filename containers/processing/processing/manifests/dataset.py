"""`dataset.json`: what a run's dataset is, for people and for the report; and its labels."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from drops.names import class_label
from processing.common.container import CHANNELS, quoted
from processing.manifests.assignment import Assignment
from processing.manifests.contents import EXAMPLES, OBJECTS_OF_EXAMPLE
from processing.manifests.drop_rows import IncludedDrop
from processing.manifests.earlier import Earlier, describe_seen
from processing.manifests.outputs import Names, Tally
from processing.manifests.settings import Settings
from processing.manifests.stage_objects import Staged


def encode_labels(earlier: Iterable[Sequence[str]], found: Iterable[str]) -> list[str]:
    """All labels; the index of one is its encoded label.

    A label keeps the index it has in earlier runs for ever, even when no object has it any more, so
    that models stay comparable; new ones follow in sorted order. Where runs overlapped and each
    gave an index to a label of its own, the older one's stays: `earlier` has the oldest run first.
    Earlier runs had labels as the folders were written, in NFC or NFD: one that was in NFD alone is
    now in NFC, with its index.
    """
    labels: dict[str, None] = {}
    for known in earlier:
        labels |= {
            label if class_label(label) in known else class_label(label): None for label in known
        }
    return [*labels, *sorted(set(found) - labels.keys())]


SCHEMA = 2


@dataclass(frozen=True)
class Dataset:
    """What is known of a run once its tables are written."""

    settings: Settings
    earlier: Earlier
    staged: Staged
    names: Names
    assignment: Assignment
    tally: Tally

    def describe(self) -> dict[str, Any]:
        """The content of `dataset.json`, as docs/contracts has it."""
        settings, copies = self.settings, self.assignment.copies
        shares = self._class_shares()
        return {
            "schema": SCHEMA,
            "execution_id": settings.execution_id,
            "earlier_execution_ids": [run.execution_id for run in self.earlier.runs],
            "earlier_executions": describe_seen(self.earlier.seen),
            "drops": str(settings.drops),
            "drop_id": settings.drop_id,
            "seed": settings.seed,
            "validation_fraction": settings.validation_fraction,
            "test_fraction": settings.test_fraction,
            "minimum_per_class_and_channel": settings.minimum_per_class_and_channel,
            "objects": self.tally.rows,
            "bytes": int(self.tally.bytes.sum()),
            "contents": self.assignment.contents,
            "counts": self._counts(),
            "sizes": self._sizes(),
            "included_drops": [self._included(drop) for drop in self.staged.drops],
            "unused_drops": [asdict(drop) for drop in self.staged.unused_drops],
            "incomplete_drops": list(self.staged.incomplete_drops),
            "duplicates": {
                "contents": copies.contents,
                "objects": copies.objects,
                "examples": [self._keys(rows) for rows in copies.examples],
            },
            "changes": self._changes(),
            "class_shares": shares,
            "warnings": [
                *self.staged.warnings,
                *self._conflicts(),
                *self._empty_classes(),
                *drift_warnings(shares, settings.class_share_drift),
            ],
        }

    def _included(self, drop: IncludedDrop) -> dict[str, Any]:
        described = asdict(drop) | {"started_this_run": drop.id == self.settings.drop_id}
        del described["problem"]
        return described

    def _counts(self) -> dict[str, dict[str, int]]:
        counts = dict(zip(self.names.class_labels, self.tally.counts.tolist(), strict=True))
        return {
            label: dict(zip(CHANNELS, counts.get(label, [0] * len(CHANNELS)), strict=True))
            for label in self.names.labels
        }

    def _sizes(self) -> dict[str, dict[str, int]]:
        tally = self.tally
        return {
            label: {
                "minimum": int(tally.smallest[index]),
                "mean": round(int(tally.bytes[index]) / int(tally.counts[index].sum())),
                "maximum": int(tally.largest[index]),
            }
            for label, index in sorted(
                (label, index) for index, label in enumerate(self.names.class_labels)
            )
        }

    def _changes(self) -> dict[str, Any]:
        changes = self.staged.changes
        return {
            **{f"objects_{change}": count for change, count in changes.objects.items()},
            "contents_added": self.assignment.contents_added if self.earlier.runs else 0,
            "contents_removed": self.assignment.contents_removed,
            "examples": changes.examples,
        }

    def _class_shares(self) -> dict[str, dict[str, float | None]]:
        now = _shares(self._counts())
        before = _shares(self.earlier.runs[-1].dataset["counts"]) if self.earlier.runs else None
        return {
            label: {"earlier": None if before is None else before.get(label, 0.0), "now": share}
            for label, share in now.items()
        }

    def _keys(self, rows: Sequence[int]) -> list[str]:
        return [self.tally.keys[row] for row in rows]

    def _conflicts(self) -> Iterator[str]:
        copies = self.assignment.copies
        for rows in copies.conflict_examples:
            shown = rows[:OBJECTS_OF_EXAMPLE]
            classes = f"more than {len(shown)}" if len(rows) > len(shown) else f"{len(rows)}"
            yield (
                f"The same image is filed under {classes} classes: "
                f"{', '.join(map(quoted, self._keys(shown)))}; keep it in the right one."
            )
        if copies.conflicts > EXAMPLES:
            yield f"{copies.conflicts - EXAMPLES} more images are filed under several classes."

    def _empty_classes(self) -> Iterator[str]:
        for index, label in enumerate(self.names.labels):
            if label not in self.names.class_labels:
                yield (
                    f'Class "{label}" has no images any more; it keeps its encoded label {index}.'
                )


def drift_warnings(
    class_shares: Mapping[str, Mapping[str, float | None]], limit: float
) -> Iterator[str]:
    """A sentence for each class whose share of the objects changed by more than `limit`."""
    for label, share in class_shares.items():
        before, now = share["earlier"], share["now"]
        if before is not None and now is not None and abs(now - before) > limit:
            yield (
                f'Class "{label}" makes up {now:.1%} of the objects, and {before:.1%} in the run '
                f"before: check that the newest drops are what they should be."
            )


def _shares(counts: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
    objects = {label: sum(by_channel.values()) for label, by_channel in counts.items()}
    total = sum(objects.values())
    return {label: round(count / total, 6) for label, count in objects.items()}
