"""What earlier runs left: channels, digests and labels to continue; and what changed since."""

import hashlib
import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from drops.s3_uri import S3Uri
from processing.common.container import UserError
from processing.common.parallel import ordered_map
from processing.manifests.s3 import CONNECTIONS, ListedObject, Lister, S3Client, download
from processing.manifests.staging import BATCH_ROWS, SortedRows

OBJECTS, MEMBERSHIP, LABELS, DATASET = FILES = (
    "objects.parquet",
    "membership.parquet",
    "labels.json",
    "dataset.json",
)
SCHEMA = 2

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EarlierRun:
    """Its tables on local disk, its labels by encoded label, and its `dataset.json`."""

    execution_id: str
    objects: Path
    membership: Path
    labels: tuple[str, ...]
    dataset: Mapping[str, Any]


@dataclass(frozen=True)
class Earlier:
    """The runs that this one continues, oldest first: several when executions overlapped.

    Attributes:
        seen: all runs whose lineages were there; each is one of `runs` or continued by one of them.
    """

    runs: tuple[EarlierRun, ...]
    seen: tuple[str, ...] = ()

    @property
    def newest_objects(self) -> Path | None:
        """`objects.parquet` of the newest run; None without one."""
        return self.runs[-1].objects if self.runs else None

    @property
    def drop_ids(self) -> frozenset[str]:
        """Drops of which these runs used something."""
        return frozenset(
            drop["id"]
            for run in self.runs
            for drop in run.dataset["included_drops"]
            if drop["objects"]
        )


@dataclass(frozen=True)
class _StoredRun:
    """A complete lineage; `dataset` is empty until it is read."""

    execution_id: str
    files: Mapping[str, ListedObject]
    dataset: Mapping[str, Any] = field(default_factory=dict)


def read_earlier(s3: S3Client, lineage: S3Uri, execution_id: str, folder: Path) -> Earlier:
    """Downloads the lineages that no later run continues yet, to `folder`.

    An incomplete lineage, which is still being uploaded, and that of `execution_id` itself, which
    an attempt before may have left, are not read.

    Raises:
        UserError: one is of another schema.
    """
    complete = (
        _StoredRun(found, files)
        for found, files in _lineages(s3, lineage).items()
        if found != execution_id and files.keys() == set(FILES)
    )
    stored = sorted(complete, key=lambda run: (run.files[DATASET].last_modified, run.execution_id))

    def read(run: _StoredRun) -> _StoredRun:
        dataset = run.files[DATASET]
        path = download(s3, lineage.bucket, dataset, folder / run.execution_id / DATASET)
        return replace(run, dataset=_read_dataset(path, lineage.bucket, dataset.key))

    heads = _heads(stored, read)
    if not heads:
        logger.info("No earlier lineage below %s.", lineage)
    for run in heads:
        logger.info("Channels and labels continue those of execution %s.", run.execution_id)
    return Earlier(
        tuple(_download(s3, lineage.bucket, run, folder) for run in heads),
        tuple(run.execution_id for run in stored),
    )


def describe_seen(execution_ids: Collection[str]) -> dict[str, Any]:
    """What a run's `dataset.json` says of all the runs that it saw, however many these are."""
    ids = json.dumps(sorted(execution_ids)).encode()
    return {"count": len(execution_ids), "sha256": hashlib.sha256(ids).hexdigest()}


def _lineages(s3: S3Client, lineage: S3Uri) -> dict[str, dict[str, ListedObject]]:
    """Of each execution, those of FILES that it has."""
    found: dict[str, dict[str, ListedObject]] = {}
    for page in Lister(s3, lineage.bucket).pages(lineage.key):
        for stored in page.objects():
            execution_id, _, name = stored.key.removeprefix(lineage.key).partition("/")
            if name in FILES:
                found.setdefault(execution_id, {})[name] = stored
    return found


def _heads(
    stored: Sequence[_StoredRun], read: Callable[[_StoredRun], _StoredRun]
) -> list[_StoredRun]:
    """Those of `stored`, in the order in which they were written, that no other continues.

    The newest one mostly says so of all others, and then only its dataset is read.
    """
    runs: list[_StoredRun] = []
    continued: set[str] = set()
    seen: set[str] = set()
    at_once = 1
    left = list(stored)
    while left := [run for run in left if run.execution_id not in seen]:
        left, newest = left[:-at_once], left[-at_once:]
        for run in ordered_map(read, reversed(newest), CONNECTIONS):
            runs.insert(0, run)
            continued.update(run.dataset["earlier_execution_ids"])
            seen.update(_seen(run.dataset, stored))
        at_once = CONNECTIONS
    return [run for run in runs if run.execution_id not in continued | seen]


def _seen(dataset: Mapping[str, Any], stored: Sequence[_StoredRun]) -> list[str]:
    """Which of `stored` a run saw, and so continues, or those of them do that it continues.

    They are the oldest ones. Empty where the run does not say that these are they: a lineage was
    deleted or written again, or the run is of an image that did not say it.
    """
    described = dataset.get("earlier_executions") or {"count": 0}
    oldest = [run.execution_id for run in stored[: described["count"]]]
    return oldest if described == describe_seen(oldest) else []


def _read_dataset(path: Path, bucket: str, key: str) -> Mapping[str, Any]:
    try:
        dataset: dict[str, Any] = json.loads(path.read_bytes())
        schema = dataset["schema"]
    except (ValueError, LookupError, TypeError) as error:
        raise UserError(
            f"The lineage s3://{bucket}/{key} cannot be read ({error}): restore the version of it "
            "that its execution wrote."
        ) from error
    if schema != SCHEMA:
        raise UserError(
            f"The lineage s3://{bucket}/{key} has schema {schema}, and this image reads {SCHEMA}: "
            "deploy an image of its version."
        )
    return dataset


def _download(s3: S3Client, bucket: str, run: _StoredRun, folder: Path) -> EarlierRun:
    objects, membership, labels = (
        download(s3, bucket, run.files[name], folder / run.execution_id / name)
        for name in (OBJECTS, MEMBERSHIP, LABELS)
    )
    known = tuple(json.loads(labels.read_bytes())["labels"])
    return EarlierRun(run.execution_id, objects, membership, known, run.dataset)


EXAMPLES = 20
NO_VERSION = "null"
COLUMNS = {"key": pa.string(), "version_id": pa.string(), "sha256": pa.binary(32)}


CHANGES = ("added", "removed", "changed")


@dataclass
class Changes:
    """Objects by key against the newest earlier run, and the first EXAMPLES keys by change.

    Changed is an object with another content. All is 0 and empty without an earlier run.
    """

    objects: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CHANGES, 0))
    examples: dict[str, list[str]] = field(
        default_factory=lambda: {change: [] for change in CHANGES}
    )

    def add(self, change: str, keys: pa.StringArray) -> None:
        """Counts objects of one of CHANGES."""
        self.objects[change] += len(keys)
        examples = self.examples[change]
        examples += keys.slice(0, EXAMPLES - len(examples)).to_pylist()


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
            gone = pc.invert(pc.is_in(rows["key"], value_set=keys))
            self.changes.add("removed", rows["key"].filter(gone))
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
        self.changes.add("added", keys.filter(added))
        self.changes.add("changed", keys.filter(changed))
        return pc.or_(added, changed)

    def finish(self) -> Changes:
        """The changes, after the last batch."""
        for rows in self._rows.until(None):
            self.changes.add("removed", rows["key"])
        return self.changes


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    # A read ahead would hold whole column chunks.
    with pq.ParquetFile(path, pre_buffer=False) as table:
        yield from table.iter_batches(BATCH_ROWS, columns=list(COLUMNS), use_threads=False)
