"""Folders of any number of keys: who is idle lists a part of the largest."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Event
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from processing.manifests.key_space import KeySpace
from processing.manifests.s3 import CONNECTIONS, Lister, Page
from processing.manifests.staging import ROWS_IN_MEMORY, Spool

# Pages of a folder before its range is parted: the most that costs no request more than they are.
ALONE = 4
# Pages of a range before it is parted, again too: what is in vain is at most as many requests.
EACH = 2
# Pages that must be left to be parted.
LEAST = 2
# Keys of a page that are looked at.
SAMPLES = 16


@dataclass
class _Folder:
    prefix: str
    space: KeySpace
    failed: Event = field(default_factory=Event)


@dataclass
class _Range:
    """Keys above `after` up to and with `until`; None is the end of the folder.

    Attributes:
        pages_alone: how many pages are to come before it is parted.
        given: what was parted from its end, each below the one before.
    """

    after: str
    until: str | None
    spool: Spool
    pages_alone: int
    given: list["Future[_Range]"] = field(default_factory=list)
    pages: int = 0

    def take(self, page: Page) -> None:
        """Adds what of a page is in the range."""
        keys, batch = page.batch["key"], page.batch
        # S3 lists what comes after a marker; of a server that begins with it, none is taken twice.
        start = pc.sum(pc.less_equal(keys, self.after)).as_py() or 0
        end = len(batch)
        if self.until is not None:
            end = pc.sum(pc.less_equal(keys, self.until)).as_py() or 0
        batch = batch.slice(start, max(0, end - start))
        self.spool.append(batch)
        self.pages += 1
        self.pages_alone -= 1

    def ends_below(self, key: str) -> bool:
        """Whether the range has nothing from `key` on."""
        return self.until is not None and self.until < key

    def was_in_vain(self) -> bool:
        """Whether what was given last turned out to be no more than a page."""
        if not self.given or not self.given[-1].done() or self.given[-1].exception():
            return False
        return self.given[-1].result().pages == 1

    def spools(self) -> Iterator[Spool]:
        """Those of the range and of what was given from it, in the order of keys, when listed."""
        yield self.spool
        for given in reversed(self.given):
            yield from given.result().spools()


class FolderLister:
    """Lists folders; many threads may share one, and CONNECTIONS requests are in flight at most.

    A folder begins as one sequence of pages. Where it goes on and a connection is idle, what is
    left is parted at a guessed key, and its end listed beside its beginning; each part is parted
    further. Whatever the parts, their keys together are those of the one sequence.
    """

    def __init__(self, lister: Lister, spool: Callable[[int], Spool]) -> None:
        """Takes what makes a spool that keeps so many rows in memory."""
        self._lister = lister
        self._spool = spool
        self._idle = BoundedSemaphore(CONNECTIONS)
        self._helpers = ThreadPoolExecutor(CONNECTIONS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._helpers.shutdown()

    def list(self, prefix: str) -> list[Spool]:
        """All below `prefix`, in the order of keys (UTF-8 bytes)."""
        folder = _Folder(prefix, KeySpace(prefix))
        self._idle.acquire()
        whole = self._listed(folder, _Range("", None, self._spool(ROWS_IN_MEMORY), ALONE))
        return list(whole.spools())

    def _listed(self, folder: _Folder, keys: _Range) -> _Range:
        """Takes over an acquired connection."""
        try:
            for page in self._lister.pages(folder.prefix, after=keys.after):
                keys.take(page)
                last = page.next_page.get("KeyMarker")
                if last is None or keys.ends_below(last) or folder.failed.is_set():
                    break
                self._part(folder, keys, page, last)
            keys.spool.close()
        except BaseException:
            folder.failed.set()
            raise
        finally:
            self._idle.release()
        return keys

    def _part(self, folder: _Folder, keys: _Range, page: Page, last: str) -> None:
        """Gives half of what is left to an idle connection."""
        seen = _some(page.batch["key"])
        folder.space.see([*seen, last])
        if keys.pages_alone > 0 or not self._idle.acquire(blocking=False):
            return
        ends = (seen[0] if seen else last, last)
        boundary = folder.space.boundary(ends, keys.until, LEAST, near=keys.was_in_vain())
        if boundary is None:
            self._idle.release()
            return
        end = _Range(boundary, keys.until, self._spool(0), EACH)
        keys.given.append(self._helpers.submit(self._listed, folder, end))
        keys.until, keys.pages_alone = boundary, EACH


def _some(keys: pa.StringArray) -> list[str]:
    step = max(1, len(keys) // SAMPLES)
    found: list[str] = keys.take(pa.array(range(0, len(keys), step), pa.int64())).to_pylist()
    return found
