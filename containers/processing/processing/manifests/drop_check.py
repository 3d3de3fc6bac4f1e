"""What a drop's marker asks of it, which of its objects count, and what is odd about the others."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from drops.names import HIDDEN_PART, MAXIMUM_PART_BYTES
from processing.common.container import quoted
from processing.common.parallel import ordered_map
from processing.manifests.drop_index import IndexCheck, read_index
from processing.manifests.drops import MARKER, WRITE_AGAIN, Drop, Findings, Part
from processing.manifests.s3 import S3Client, download, refuses_one_object

# sha256 is null where the drop has no index.
CHECKED_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("version_id", pa.string()),
        ("size", pa.int64()),
        ("sha256", pa.binary(32)),
    ]
)

IGNORED_NAME = f"^{MARKER}$|^$|/$"
HIDDEN_NAME = f"(^|/)({HIDDEN_PART})(/|$)"
NAME_IN_CLASS_FOLDER = "^[^/]+/[^/]+$"
INDEX = '{"schema": 1, "files": [{"name", "size", "sha256"}, ...]}'


@dataclass
class DropCheck:
    """Judges the objects of one drop, part by part in the order of their keys.

    Attributes:
        index: None for an empty marker.
        unreadable: of the index; no file counts then.
        files: how many there are, fit or not.
        late: those that are younger than the marker.
        archived: those that S3 would not hand out.
    """

    index: IndexCheck | None = None
    unreadable: Findings = field(default_factory=Findings)
    files: int = 0
    hidden: Findings = field(default_factory=Findings)
    late: Findings = field(default_factory=Findings)
    archived: Findings = field(default_factory=Findings)
    _misplaced: Findings = field(default_factory=Findings)

    def images(self, part: Part) -> Iterator[pa.RecordBatch]:
        """The rows that count, as CHECKED_SCHEMA."""
        written = pa.scalar(part.drop.marker.last_modified, pa.timestamp("ms", "UTC"))
        for batch in part.batches:
            names = pc.utf8_slice_codeunits(batch["key"], len(part.drop.prefix))
            # The S3 console makes an empty object "folder/" for a folder.
            files = pc.invert(pc.match_substring_regex(names, IGNORED_NAME))
            self.files += pc.sum(files).as_py() or 0
            yield self._judge(names.filter(files), batch.filter(files), written)

    def finish(self) -> None:
        """To be called after the last part."""
        if self.index is not None:
            self.index.finish()

    @property
    def problems(self) -> int:
        """How many there are."""
        return sum(findings.count for findings in self._problems())

    @property
    def first_problem(self) -> str:
        """A clause that says what is wrong and what to do."""
        return next((each.clause for each in self._problems() if each.count), "")

    def _problems(self) -> Iterator[Findings]:
        yield from (self._misplaced, self.unreadable, self.archived)
        if self.index:
            yield self.index.differences

    def _judge(
        self, names: pa.StringArray, files: pa.RecordBatch, written: pa.Scalar
    ) -> pa.RecordBatch:
        hidden = pc.match_substring_regex(names, HIDDEN_NAME)
        placed = pc.and_(
            pc.match_substring_regex(names, NAME_IN_CLASS_FOLDER), pc.invert(_too_long(names))
        )
        self.hidden.add(names.filter(hidden), quoted)
        self._misplaced.add(names.filter(pc.invert(pc.or_(hidden, placed))), _why_misplaced)
        images = pc.and_not(placed, hidden)
        archived = pc.and_(images, files["archived"])
        self.archived.add(names.filter(archived), _why_archived)
        late = pc.and_(images, pc.greater(files["last_modified"], written))
        self.late.add(names.filter(late), quoted)
        digests = pa.nulls(len(names), pa.binary(32))
        if self.index is not None:
            digests = self.index.digests(names, files["size"], images)
            images = pc.and_(images, digests.is_valid())
            # The index was written before them: their digests are asked of S3.
            digests = pc.if_else(late, pa.scalar(None, digests.type), digests)
        elif self.unreadable.count:
            images = pa.array([False] * len(names), pa.bool_())
        images = pc.and_not(images, archived)
        columns = [files["key"], files["version_id"], files["size"], digests]
        return pa.RecordBatch.from_arrays(columns, schema=CHECKED_SCHEMA).filter(images)


def _too_long(names: pa.StringArray) -> pa.BooleanArray:
    """Of which names SageMaker could make no file on Linux."""
    lengths = pc.binary_length(names)
    if not len(names) or pc.max(lengths).as_py() <= MAXIMUM_PART_BYTES:
        return pa.array([False] * len(names), pa.bool_())
    return pa.array([_has_long_part(name) for name in names.to_pylist()], pa.bool_())


def _has_long_part(name: str) -> bool:
    return any(len(part.encode()) > MAXIMUM_PART_BYTES for part in name.split("/"))


def _why_archived(name: str) -> str:
    return (
        f"{quoted(name)} is archived (storage class GLACIER or DEEP_ARCHIVE) and cannot be read; "
        f"restore it {WRITE_AGAIN}"
    )


def _why_misplaced(name: str) -> str:
    if _has_long_part(name):
        return (
            f"{quoted(name)} has a part of more than {MAXIMUM_PART_BYTES} bytes and can become no "
            f"file; give it a shorter name {WRITE_AGAIN}"
        )
    return (
        f"{quoted(name)} is not <class label>/<file>; move it into one class folder {WRITE_AGAIN}"
    )


def _unreadable(why: object) -> DropCheck:
    clause = f"the index in its {MARKER} cannot be read: {why}; write it again, empty or as {INDEX}"
    return DropCheck(unreadable=Findings(1, clause=clause))


# Each holds a part of an index in memory.
WORKERS = 4


def read_markers(
    s3: S3Client, bucket: str, drops: Iterable[Drop], folder: Path
) -> Iterator[tuple[Drop, DropCheck]]:
    """Each drop with what its marker asks of it, in order; their indexes are kept in `folder`."""

    def read(numbered: tuple[int, Drop]) -> tuple[Drop, DropCheck]:
        number, drop = numbered
        if not drop.marker.size:
            return drop, DropCheck()
        try:
            marker = download(s3, bucket, drop.marker, folder / str(number) / "marker")
            index = read_index(marker, marker.parent)
        except ValueError as error:
            return drop, _unreadable(error)
        except ClientError as error:
            if not refuses_one_object(error):
                raise
            return drop, _unreadable(f"S3 refused it, {error}")
        return drop, DropCheck(IndexCheck(index) if index is not None else None)

    return ordered_map(read, enumerate(drops), WORKERS)
