"""The JSON index that a drop's marker may hold, sorted on local disk, and how the drop differs."""

import codecs
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import ijson  # type: ignore[import-untyped]
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from processing.common.container import quoted
from processing.manifests.drops import WRITE_AGAIN, Findings
from processing.manifests.staging import BATCH_ROWS, RunsWriter, SortedRows, read_batches

INDEX_SCHEMA = pa.schema([("name", pa.string()), ("size", pa.int64()), ("sha256", pa.binary(32))])
SCHEMA = 1


class IndexedFile(BaseModel):
    """A file as its producer saw it; `name` is relative to the drop, `size` in bytes."""

    model_config = ConfigDict(frozen=True)
    name: str
    size: Annotated[int, Field(ge=0, lt=2**63)]
    sha256: Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")]


FILES = TypeAdapter(list[IndexedFile])


def read_index(marker: Path, folder: Path) -> SortedRows | None:
    """Files of the index as INDEX_SCHEMA, by name; None for an empty marker, accepted too.

    Memory holds a part of the index at a time; the rest is in `folder`.

    Raises:
        ValueError: a clause that says what is wrong with the index.
    """
    if _is_blank(marker):
        return None
    try:
        _check_schema(marker)
        runs = RunsWriter(folder / "runs", INDEX_SCHEMA, "name")
        for batch in _batches(marker):
            runs.append(batch)
    except ijson.JSONError as error:
        raise ValueError(f"Invalid JSON: {str(error).splitlines()[0]}") from error
    path = folder / "index.arrow"
    with pa.ipc.new_file(str(path), INDEX_SCHEMA) as writer:
        for batch in _without_repetition(runs.batches()):
            writer.write_batch(batch)
    return SortedRows(read_batches(path), "name")


def _text(marker: Path) -> BinaryIO:
    """UTF-8 after its byte order mark, which programs on Windows write and ijson does not take."""
    file = marker.open("rb")
    head = file.read(len(codecs.BOM_UTF8))
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        file.close()
        raise ValueError("it is UTF-16, not UTF-8")
    file.seek(len(head) if head == codecs.BOM_UTF8 else 0)
    return file


def _is_blank(marker: Path) -> bool:
    with _text(marker) as file:
        while part := file.read(1 << 16):
            if part.strip():
                return False
    return True


def _check_schema(marker: Path) -> None:
    with _text(marker) as file:
        schema = next(ijson.items(file, "schema"), None)
    if schema is None:
        raise ValueError('it has no "schema", so that it is another program\'s')
    if schema != SCHEMA:
        raise ValueError(f"Input should be {SCHEMA} (schema)")


def _batches(marker: Path) -> Iterator[pa.RecordBatch]:
    start = 0
    with _text(marker) as file:
        entries = ijson.items(file, "files.item", use_float=True)
        while waiting := list(islice(entries, BATCH_ROWS)):
            yield _batch(waiting, start)
            start += len(waiting)


def _batch(entries: list[Any], start: int) -> pa.RecordBatch:
    try:
        files = FILES.validate_python(entries)
    except ValidationError as error:
        first = error.errors()[0]
        index, *field = first["loc"]
        place = ".".join(["files", str(start + int(index)), *map(str, field)])
        raise ValueError(f"{first['msg']} ({place})") from error
    columns = [
        [file.name for file in files],
        [file.size for file in files],
        [bytes.fromhex(file.sha256) for file in files],
    ]
    return pa.record_batch(columns, schema=INDEX_SCHEMA)


def _without_repetition(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    last: str | None = None
    for batch in batches:
        names = batch["name"]
        before = pa.concat_arrays([pa.array([last], pa.string()), names.slice(0, len(names) - 1)])
        repeated = names.filter(pc.fill_null(pc.equal(names, before), False))
        if len(repeated):
            times = 1 + pc.sum(pc.equal(repeated, repeated[0])).as_py()
            raise ValueError(f'"{repeated[0]}" is listed {times} times')
        last = names[-1].as_py()
        yield batch


@dataclass
class IndexCheck:
    """Walks through the index (INDEX_SCHEMA) as the objects of its drop go by."""

    index: SortedRows
    differences: Findings = field(default_factory=Findings)

    def digests(
        self, names: pa.StringArray, sizes: pa.Int64Array, wanted: pa.BooleanArray
    ) -> pa.FixedSizeBinaryArray:
        """SHA-256 by the index; null where it has none or another size.

        Args:
            names: ascending, above those of the call before.
            wanted: which of them it must list.
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
        names, sizes, said_sizes = (each.filter(differs) for each in (names, sizes, said_sizes))
        self.differences.add(
            names,
            lambda name: (
                f"{quoted(name)} has {sizes[0]} bytes where the index says {said_sizes[0]}; "
                f"upload it {WRITE_AGAIN}"
            ),
        )
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


def _perhaps_another_form(name: str) -> str:
    """A letter with an accent is one character (NFC) or two (NFD): to S3 these are two names."""
    forms = {form: unicodedata.normalize(form, name) for form in ("NFC", "NFD")}
    if forms["NFC"] == forms["NFD"]:
        return ""
    own = next((form for form, text in forms.items() if text == name), "a mixture of both")
    return f" (its accents are written as {own} there: perhaps the key has them otherwise)"
