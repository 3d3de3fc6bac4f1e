"""The objects of drops, listed in parallel and handed over in the order of their keys."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pyarrow as pa

from processing.manifests.drops import Drop
from processing.manifests.listing import LISTED_SCHEMA, Lister
from processing.manifests.s3 import CONNECTIONS
from processing.manifests.spool import Spool
from processing.parallel import ordered_map


@dataclass(frozen=True)
class Part:
    """Neighbours in the order of keys: all below a class folder, or some beside class folders.

    class_label: None for the latter. batches: LISTED_SCHEMA, to be read once.
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
        return ordered_map(self._listed, self._unlisted(drops), CONNECTIONS)

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

    def _listed(self, unlisted: tuple[Drop, str | Spool]) -> Part:
        drop, entry = unlisted
        if isinstance(entry, Spool):
            return Part(drop, None, entry.batches())
        spool = self._spool()
        for page in self._lister.pages(entry):
            spool.append(page.batch)
        spool.close()
        class_label = entry.removeprefix(drop.prefix).removesuffix("/")
        return Part(drop, class_label, spool.batches())

    def _spool(self) -> Spool:
        return Spool(self._folder / f"{next(self._numbers)}.arrow", LISTED_SCHEMA)
