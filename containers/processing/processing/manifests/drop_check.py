"""Which objects of a drop count, and what is odd about the others."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from processing.manifests.drop_listing import Part
from processing.manifests.drops import MARKER, WRITE_AGAIN
from processing.manifests.findings import Findings
from processing.manifests.index_check import IndexCheck
from processing.manifests.listing import LISTED_SCHEMA

# sha256 is null where the drop has no index.
CHECKED_SCHEMA = LISTED_SCHEMA.append(pa.field("sha256", pa.binary(32)))

IGNORED_NAME = f"^{MARKER}$|^$|/$"
HIDDEN_NAME = "(^|/)[_.]"
NAME_IN_CLASS_FOLDER = "^[^/]+/[^/]+$"


@dataclass
class DropCheck:
    """Judges the objects of one drop, part by part in the order of their keys.

    index: None for an empty marker. unreadable: why the index cannot be read; no file counts then.
    """

    index: IndexCheck | None = None
    unreadable: str | None = None
    hidden: Findings = field(default_factory=Findings)
    _misplaced: Findings = field(default_factory=Findings)

    def images(self, part: Part) -> Iterator[pa.RecordBatch]:
        """The rows that count, as CHECKED_SCHEMA."""
        for batch in part.batches:
            names = pc.utf8_slice_codeunits(batch["key"], len(part.drop.prefix))
            # The S3 console makes an empty object "folder/" for a folder.
            files = pc.invert(pc.match_substring_regex(names, IGNORED_NAME))
            yield self._judge(names.filter(files), batch.filter(files))

    def finish(self) -> None:
        """To be called after the last part."""
        if self.index is not None:
            self.index.finish()

    @property
    def problems(self) -> int:
        """How many there are."""
        differences = self.index.differences.count if self.index else 0
        return self._misplaced.count + (self.unreadable is not None) + differences

    @property
    def first_problem(self) -> str:
        """A clause that says what is wrong and what to do."""
        if self._misplaced.count:
            return self._misplaced.clause
        if self.unreadable is not None:
            return f"the index in its {MARKER} cannot be read: {self.unreadable}; write it again"
        return self.index.differences.clause if self.index else ""

    def _judge(self, names: pa.StringArray, files: pa.RecordBatch) -> pa.RecordBatch:
        hidden = pc.match_substring_regex(names, HIDDEN_NAME)
        placed = pc.match_substring_regex(names, NAME_IN_CLASS_FOLDER)
        self.hidden.add(names.filter(hidden))
        self._misplaced.add(
            names.filter(pc.invert(pc.or_(hidden, placed))),
            lambda name: (
                f'"{name}" is not <class label>/<file>; move it into one class folder {WRITE_AGAIN}'
            ),
        )
        images = pc.and_not(placed, hidden)
        digests = pa.nulls(len(names), pa.binary(32))
        if self.index is not None:
            digests = self.index.digests(names, files["size"], images)
            images = pc.and_(images, digests.is_valid())
        elif self.unreadable is not None:
            images = pa.array([False] * len(names), pa.bool_())
        checked = pa.RecordBatch.from_arrays([*files.columns, digests], schema=CHECKED_SCHEMA)
        return checked.filter(images)
