"""Which drops are complete, and their objects: listed in parallel, handed over in order of keys."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, count
from pathlib import Path

import pyarrow as pa

from drops.names import refusal_of_drop_id
from drops.s3_uri import S3Uri
from processing.common.parallel import ordered_map
from processing.manifests.folder_lister import FolderLister
from processing.manifests.s3 import CONNECTIONS, LISTED_SCHEMA, ListedObject, Lister
from processing.manifests.staging import ROWS_IN_MEMORY, Spool

MARKER = "_SUCCESS"
WRITE_AGAIN = f"and write {MARKER} again"


@dataclass(frozen=True)
class Drop:
    """A complete drop; `prefix` is its whole key prefix, with the slash at its end."""

    id: str
    prefix: str
    marker: ListedObject


@dataclass(frozen=True)
class UnusedDrop:
    """A complete drop that waits for a person; the reason is a sentence."""

    id: str
    reason: str


@dataclass
class Drops:
    """Complete drops in the order of their prefixes, ids of those without a marker, and those
    whose id is none.
    """

    complete: list[Drop] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    refused: list[UnusedDrop] = field(default_factory=list)


def find_drops(lister: Lister, folder: S3Uri) -> Drops:
    """All drops below `folder`."""
    prefixes = (
        prefix for page in lister.pages(folder.key, delimiter="/") for prefix in page.prefixes
    )
    drops = Drops()
    for prefix, marker, has_objects in ordered_map(
        lambda prefix: _look_into(lister, prefix), prefixes, CONNECTIONS
    ):
        drop_id = prefix.removeprefix(folder.key).removesuffix("/")
        if marker is not None and (reason := refusal_of_drop_id(drop_id)):
            drops.refused.append(UnusedDrop(drop_id, reason))
        elif marker is not None:
            drops.complete.append(Drop(drop_id, prefix, marker))
        elif has_objects:
            drops.incomplete.append(drop_id)
    return drops


def is_drop(started_by: str) -> bool:
    """Whether a drop started the run. Drift of a model's answers, say, is named with a slash, which
    no drop has in its id: "drift/<model package group>/<version>".
    """
    return "/" not in started_by


def _look_into(lister: Lister, prefix: str) -> tuple[str, ListedObject | None, bool]:
    marker = lister.find(f"{prefix}{MARKER}")
    # A prefix is also listed when all below it was deleted and only old versions are there.
    below = (stored for page in lister.pages(prefix) for stored in page.objects())
    has_objects = marker is not None or any(not stored.key.endswith("/") for stored in below)
    return prefix, marker, has_objects


@dataclass
class Findings:
    """How many names there are, the lowest of them (UTF-8 bytes), and what to say of that one."""

    count: int = 0
    name: str = ""
    clause: str = ""

    def add(self, names: pa.StringArray, clause: Callable[[str], str] = str) -> None:
        """Adds names in ascending order; `clause` says of a name what is wrong and what to do."""
        if not len(names):
            return
        first = names[0].as_py()
        if not self.count or first < self.name:
            self.name, self.clause = first, clause(first)
        self.count += len(names)


@dataclass(frozen=True)
class Part:
    """Neighbours in the order of keys: all below a class folder, or some beside class folders, then
    without a label; batches of LISTED_SCHEMA, to be read once.
    """

    drop: Drop
    class_label: str | None
    batches: Iterable[pa.RecordBatch]


class DropListing:
    """Lists drops with many requests at a time; what waits to be read is below `folder`."""

    def __init__(self, lister: Lister, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lister = lister
        self._folder = folder
        self._numbers = count()

    def parts(self, drops: Iterable[Drop]) -> Iterator[Part]:
        """All parts of all `drops`, in the order of keys if the drops are in that of prefixes."""
        with FolderLister(self._lister, self._spool) as folders:
            listed = partial(self._listed, folders)
            yield from ordered_map(listed, self._unlisted(drops), CONNECTIONS)

    def _unlisted(self, drops: Iterable[Drop]) -> Iterator[tuple[Drop, str | Spool]]:
        def look_into(drop: Drop) -> list[tuple[Drop, str | Spool]]:
            return [(drop, entry) for entry in self._first_level(drop.prefix)]

        for entries in ordered_map(look_into, drops, CONNECTIONS):
            yield from entries

    def _first_level(self, prefix: str) -> list[str | Spool]:
        entries: list[str | Spool] = []
        for page in self._lister.pages(prefix, delimiter="/"):
            objects, start = page.batch, 0
            keys = objects["key"].to_pylist()
            for deeper in page.prefixes:
                end = bisect_left(keys, deeper)
                self._add(entries, objects.slice(start, end - start))
                entries.append(deeper)
                start = end
            self._add(entries, objects.slice(start))
        for entry in entries:
            if isinstance(entry, Spool):
                entry.close()
        return entries

    def _add(self, entries: list[str | Spool], objects: pa.RecordBatch) -> None:
        if not len(objects):
            return
        last = entries[-1] if entries else None
        if not isinstance(last, Spool):
            last = self._spool()
            entries.append(last)
        last.append(objects)

    def _listed(self, folders: FolderLister, unlisted: tuple[Drop, str | Spool]) -> Part:
        drop, entry = unlisted
        if isinstance(entry, Spool):
            return Part(drop, None, entry.batches())
        spools = folders.list(entry)
        class_label = entry.removeprefix(drop.prefix).removesuffix("/")
        return Part(drop, class_label, chain.from_iterable(each.batches() for each in spools))

    def _spool(self, rows_in_memory: int = ROWS_IN_MEMORY) -> Spool:
        path = self._folder / f"{next(self._numbers)}.arrow"
        return Spool(path, LISTED_SCHEMA, rows_in_memory)
