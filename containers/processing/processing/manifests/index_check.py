"""Compares the objects of a drop with the index that its producer wrote."""

import unicodedata
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from processing.manifests.drop_index import INDEX_SCHEMA
from processing.manifests.drops import WRITE_AGAIN
from processing.manifests.findings import Findings, quoted
from processing.manifests.sorted_rows import SortedRows


@dataclass
class IndexCheck:
    """Walks through the index (INDEX_SCHEMA) as the objects of its drop go by."""

    index: SortedRows
    differences: Findings = field(default_factory=Findings)

    def digests(
        self, names: pa.StringArray, sizes: pa.Int64Array, wanted: pa.BooleanArray
    ) -> pa.FixedSizeBinaryArray:
        """SHA-256 by the index; null where it has none or another size.

        names: ascending, above those of the call before. wanted: which of them it must list.
        """
        if not len(names):
            return pa.nulls(0, INDEX_SCHEMA.field("sha256").type)
        said_sizes = pa.nulls(len(names), pa.int64())
        digests = pa.nulls(len(names), INDEX_SCHEMA.field("sha256").type)
        for rows in self.index.until(names[-1].as_py()):
            self._add_missing(rows["name"], names)
            position = pc.index_in(names, value_set=rows["name"])
            said_sizes = pc.coalesce(said_sizes, rows["size"].take(position))
            digests = pc.coalesce(digests, rows["sha256"].take(position))
        unlisted = names.filter(pc.and_(wanted, said_sizes.is_null()))
        self.differences.add(
            unlisted,
            lambda name: f"{quoted(name)} is not in the index; add it there {WRITE_AGAIN}",
        )
        differs = pc.fill_null(pc.not_equal(said_sizes, sizes), False)
        self._add_other_sizes(*(column.filter(differs) for column in (names, sizes, said_sizes)))
        return pc.if_else(differs, pa.scalar(None, digests.type), digests)

    def finish(self) -> None:
        """To be called after the last object."""
        for rows in self.index.until(None):
            self._add_missing(rows["name"], rows["name"].slice(0, 0))

    def _add_missing(self, listed: pa.StringArray, names: pa.StringArray) -> None:
        missing = listed.filter(pc.invert(pc.is_in(listed, value_set=names)))
        self.differences.add(
            missing,
            lambda name: (
                f"{quoted(name)} is in the index but was not found{_perhaps_another_form(name)}; "
                f"upload it {WRITE_AGAIN}"
            ),
        )

    def _add_other_sizes(
        self, names: pa.StringArray, sizes: pa.Int64Array, said_sizes: pa.Int64Array
    ) -> None:
        self.differences.add(
            names,
            lambda name: (
                f"{quoted(name)} has {sizes[0]} bytes where the index says {said_sizes[0]}; "
                f"upload it {WRITE_AGAIN}"
            ),
        )


def _perhaps_another_form(name: str) -> str:
    """A letter with an accent is one character (NFC) or two (NFD): to S3 these are two names."""
    forms = {form: unicodedata.normalize(form, name) for form in ("NFC", "NFD")}
    if forms["NFC"] == forms["NFD"]:
        return ""
    own = next((form for form, text in forms.items() if text == name), "a mixture of both")
    return f" (its accents are written as {own} there: perhaps the key has them otherwise)"
