"""Objects beside those of the newest earlier run: which digests are known, what changed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from processing.manifests.sorted_rows import BATCH_ROWS, SortedRows

EXAMPLES = 20
NO_VERSION = "null"
COLUMNS = {"key": pa.string(), "version_id": pa.string(), "sha256": pa.binary(32)}


@dataclass
class Changes:
    """Objects by key against the newest earlier run, and the first EXAMPLES keys of each kind.

    Changed is an object with another content. All is 0 and empty without an earlier run.
    """

    objects_added: int = 0
    objects_removed: int = 0
    objects_changed: int = 0
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def add(self, added: pa.StringArray, changed: pa.StringArray) -> None:
        """Counts what a batch holds."""
        self.objects_added += len(added)
        self.objects_changed += len(changed)
        _extend(self.added, added)
        _extend(self.changed, changed)

    def remove(self, removed: pa.StringArray) -> None:
        """Counts what was passed over."""
        self.objects_removed += len(removed)
        _extend(self.removed, removed)


@dataclass(frozen=True)
class EarlierRows:
    """What the earlier run says of each row of a batch, null where it does not have the key."""

    version_ids: pa.StringArray
    digests: pa.FixedSizeBinaryArray

    def digests_of(self, version_ids: pa.StringArray) -> pa.FixedSizeBinaryArray:
        """SHA-256 where the version is still the same; else null.

        Where versions are not kept all are "null", also of an object that was overwritten
        (https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html).
        """
        same = pc.fill_null(pc.equal(version_ids, self.version_ids), False)
        same = pc.and_(same, pc.not_equal(version_ids, NO_VERSION))
        return pc.if_else(same, self.digests, pa.scalar(None, self.digests.type))


class EarlierObjects:
    """Walks through `objects.parquet` of the newest earlier run; None: there is none."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._rows = SortedRows(_batches(path) if path else (), "key")
        self.changes = Changes()

    def rows(self, keys: pa.StringArray) -> EarlierRows:
        """Rows of the same keys; `keys` ascend, above those of the call before."""
        version_ids, digests = (
            pa.nulls(len(keys), COLUMNS[name]) for name in ("version_id", "sha256")
        )
        for rows in self._rows.until(keys[-1].as_py()):
            self._remove(rows["key"], keys)
            position = pc.index_in(keys, value_set=rows["key"])
            version_ids = pc.coalesce(version_ids, rows["version_id"].take(position))
            digests = pc.coalesce(digests, rows["sha256"].take(position))
        return EarlierRows(version_ids, digests)

    def compare(self, rows: EarlierRows, batch: pa.RecordBatch) -> pa.BooleanArray:
        """Counts what is new and what has another content than in `rows`; which these are."""
        added = rows.digests.is_null()
        if self._path is None:
            return added
        keys = batch["key"]
        changed = pc.fill_null(pc.not_equal(batch["sha256"], rows.digests), False)
        self.changes.add(keys.filter(added), keys.filter(changed))
        return pc.or_(added, changed)

    def finish(self) -> Changes:
        """The changes, after the last batch."""
        for rows in self._rows.until(None):
            self.changes.remove(rows["key"])
        return self.changes

    def _remove(self, earlier: pa.StringArray, keys: pa.StringArray) -> None:
        self.changes.remove(earlier.filter(pc.invert(pc.is_in(earlier, value_set=keys))))


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    # A read ahead would hold whole column chunks.
    with pq.ParquetFile(path, pre_buffer=False) as table:
        yield from table.iter_batches(BATCH_ROWS, columns=list(COLUMNS), use_threads=False)


def _extend(examples: list[str], keys: pa.StringArray) -> None:
    examples += keys.slice(0, EXAMPLES - len(examples)).to_pylist()
