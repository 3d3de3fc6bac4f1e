"""What of the staged objects can be used: leaves others out, and judges what is left."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from processing.common.container import UserError
from processing.manifests.drop_rows import IncludedDrop, cannot_be_used, is_used_in_part
from processing.manifests.drops import MARKER, UnusedDrop, is_drop
from processing.manifests.earlier import Earlier, EarlierObjects
from processing.manifests.settings import Settings
from processing.manifests.split import SmallClassesError
from processing.manifests.stage_objects import Staged
from processing.manifests.staging import StagedObjects, StagedWriter

DROP, CLASS = "drop", "class"
MAXIMUM_WARNINGS = 20
Rows = Callable[[pa.RecordBatch], pa.BooleanArray]


def leave_out_small(
    path: Path, staged: Staged, earlier: Earlier, small: SmallClassesError
) -> Staged:
    """Without the classes that are too small.

    Raises:
        SmallClassesError: `small` again, when fewer than two classes are left: then no drop is at
            fault alone.
    """
    classes = pa.array(list(small.clauses), pa.int32())
    problems: dict[str, str] = {}
    for batch in StagedObjects(path).batches(DROP, CLASS):
        rows = batch.filter(pc.is_in(batch[CLASS], value_set=classes))
        pairs = pa.Table.from_batches([rows]).group_by([DROP, CLASS], use_threads=False)
        for drop, label in zip(*pairs.aggregate([]).to_pydict().values(), strict=True):
            problems.setdefault(staged.drops[drop].id, small.clauses[label])
    left = leave_out(
        path, staged, earlier, problems, lambda rows: pc.is_in(rows[CLASS], value_set=classes)
    )
    if len(left.class_labels) < 2:
        raise small
    return left


def leave_out(
    path: Path, staged: Staged, earlier: Earlier, problems: Mapping[str, str], bad: Rows
) -> Staged:
    """Rewrites the rows at `path` without the bad ones, and without all of new drops that have any.

    What is left is as if the rest had never been there, but for the drops that are told of.

    Args:
        problems: by a drop's id, a clause on its bad rows.
        bad: which rows of a batch are.
    """
    spoilt = problems.keys() - earlier.drop_ids
    numbers = pa.array([n for n, drop in enumerate(staged.drops) if drop.id in spoilt], pa.int32())
    kept = _Kept(EarlierObjects(earlier.newest_objects))
    rewritten = path.with_suffix(".kept")
    with StagedWriter(rewritten) as writer:
        for batch in StagedObjects(path).batches():
            left = pc.invert(pc.or_(bad(batch), pc.is_in(batch[DROP], value_set=numbers)))
            if pc.any(left).as_py():
                writer.append(kept.add(batch.filter(left)))
    rewritten.replace(path)
    return kept.staged(staged, problems)


@dataclass
class _Numbers:
    """New numbers of what is left, in the order of its rows."""

    known: dict[int, int] = field(default_factory=dict)

    def of(self, old: pa.Int32Array) -> pa.Int32Array:
        for number in pc.unique(old).to_pylist():
            self.known.setdefault(number, len(self.known))
        before, after = (
            pa.array(side, pa.int32()) for side in zip(*self.known.items(), strict=True)
        )
        return after.take(pc.index_in(old, value_set=before))


@dataclass
class _Kept:
    """What is counted of the rows that are left."""

    earlier_objects: EarlierObjects
    drops: _Numbers = field(default_factory=_Numbers)
    classes: _Numbers = field(default_factory=_Numbers)
    objects: Counter[int] = field(default_factory=Counter)
    bytes: Counter[int] = field(default_factory=Counter)
    news: set[int] = field(default_factory=set)

    def add(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The rows with their new numbers."""
        old = rows[DROP]
        is_new = self.earlier_objects.compare(self.earlier_objects.rows(rows["key"]), rows)
        self.news.update(pc.unique(old.filter(is_new)).to_pylist())
        sizes = pa.Table.from_arrays([old, rows["size"]], [DROP, "size"])
        counted = sizes.group_by(DROP, use_threads=False).aggregate(
            [("size", "count"), ("size", "sum")]
        )
        for number, count, size in zip(*counted.to_pydict().values(), strict=True):
            self.objects[number] += count
            self.bytes[number] += size
        numbered = [self.drops.of(old), self.classes.of(rows[CLASS])]
        return pa.RecordBatch.from_arrays([*rows.columns[:-2], *numbered], schema=rows.schema)

    def staged(self, before: Staged, problems: Mapping[str, str]) -> Staged:
        """What is known of what is left."""
        labels = tuple(before.class_labels[number] for number in self.classes.known)
        drops: list[IncludedDrop] = []
        unused: list[UnusedDrop] = []
        for number, drop in enumerate(before.drops):
            if number in self.objects:
                drops.append(self._included(number, drop, problems.get(drop.id, "")))
            else:
                unused.append(cannot_be_used(drop.id, problems[drop.id]))
        return replace(
            before,
            drops=tuple(drops),
            unused_drops=(*before.unused_drops, *unused),
            class_labels=labels,
            twice_written=tuple(label for label in before.twice_written if label in labels),
            objects=sum(self.objects.values()),
            changes=self.earlier_objects.finish(),
            bringing=frozenset(before.drops[number].id for number in self.news),
            refused={},
        )

    def _included(self, number: int, drop: IncludedDrop, problem: str) -> IncludedDrop:
        if not problem:
            return drop
        objects = self.objects[number]
        sentence = is_used_in_part(drop.id, problem)
        return replace(
            drop,
            objects=objects,
            bytes=self.bytes[number],
            left_out=drop.left_out + drop.objects - objects,
            warnings=(sentence, *drop.warnings),
            problem=drop.problem or sentence,
        )


def judged(staged: Staged, settings: Settings) -> Staged:
    """The same with its warnings.

    Raises:
        UserError: the drop that started the run is not used, or not whole, and no other has brought
            anything since the newest earlier run; when nothing at all can be used; or when all is
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
    problems = {drop.id: drop.problem for drop in drops}
    problems |= {drop.id: drop.reason for drop in unused}
    return problems.get(
        drop_id,
        f'Drop "{drop_id}" is not complete: {settings.drops}{drop_id}/{MARKER} is missing; '
        "upload the drop's files and then this marker.",
    )


def _why_nothing(settings: Settings, unused: Sequence[UnusedDrop]) -> str:
    if unused:
        more = f" (and {len(unused) - 1} more drops)" if len(unused) > 1 else ""
        return f"No drop can be used. {unused[0].reason}{more}"
    return (
        f"There is no complete drop below {settings.drops}: upload one, and {MARKER} as its "
        "last file."
    )


def _warnings(staged: Staged, against: str) -> Iterator[str]:
    """A sentence each, no more of a kind than a person reads."""
    sentences = [drop.reason for drop in staged.unused_drops]
    if against and against not in sentences:
        sentences.insert(0, against)
    sentences += [
        warning for drop in staged.drops for warning in drop.warnings if warning != against
    ]
    yield from sentences[:MAXIMUM_WARNINGS]
    if len(sentences) > MAXIMUM_WARNINGS:
        yield f"{len(sentences) - MAXIMUM_WARNINGS} more warnings of this kind are left out."
    for label in staged.twice_written:
        yield (
            f'Class "{label}" has folders whose names are written in two ways (an accented letter '
            "as one character or as two): they are one class."
        )
