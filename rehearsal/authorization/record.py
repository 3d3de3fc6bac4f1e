"""Every request that was authorised, as CloudTrail would have it: JSON Lines in the state folder.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference.html
"""

import contextlib
import gzip
import itertools
import json
import shutil
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, TextIO

FOLDER = "authorizations"
_CURRENT = "current.jsonl"
_FULL = ".jsonl"
_PACKED = ".jsonl.gz"
_MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Request:
    """One request, and what was decided about it.

    Attributes:
        time: ISO 8601, UTC.
        principal: ARN of the user, or of the role's session.
        resource: ARN, or `*` for what names none.
        context: condition keys, in lower case, and their values.
        is_allowed: by the policies as they were then.
        by_resource: `allows`, where the resource's own policy is enough; `refuses`, where no policy
            of the principal is; empty, where that decides.
    """

    time: str
    principal: str
    action: str
    resource: str
    is_allowed: bool
    context: dict[str, Any] = field(default_factory=dict)
    by_resource: str = ""

    @property
    def role(self) -> str | None:
        """Name of the role; None for a user and for root."""
        kind, _, rest = self.principal.rpartition(":")[2].partition("/")
        return rest.partition("/")[0] if kind == "assumed-role" else None


class Record:
    """Appends requests; a file that has grown large is packed and another begun.

    Any thread may add.
    """

    def __init__(self, state: Path, most_bytes: int = _MOST_BYTES) -> None:
        self._folder = state / FOLDER
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._folder.mkdir(parents=True, exist_ok=True)
        for full in self._folder.glob(f"[0-9]*{_FULL}"):
            _pack(full)  # what a kill cut short
        self._file: TextIO = self._open()

    def add(self, request: Request) -> None:
        """Appends a request; it is in the file when this returns."""
        line = json.dumps(asdict(request), separators=(",", ":"), default=str)
        with self._lock:
            self._file.write(f"{line}\n")
            self._file.flush()
            if self._file.tell() > self._most_bytes:
                self._rotate()

    def _open(self) -> TextIO:
        return (self._folder / _CURRENT).open("a", encoding="utf-8")

    def _rotate(self) -> None:
        self._file.close()
        full = self._folder / f"{_next(self._folder):06}{_FULL}"
        (self._folder / _CURRENT).rename(full)
        _pack(full)
        self._file = self._open()


def read(state: Path) -> Iterator[Request]:
    """Every request of the rehearsal with that state folder, oldest first.

    A last line that is being written just now is left out. The server may be adding meanwhile:
    what it adds after the reader came to the end is for the next one.
    """
    folder = state / FOLDER
    for number in itertools.count():
        # Opened before the full ones are sought: what is open stays whole, whatever its name.
        current = _opened(folder / _CURRENT)
        full = _opened(folder / f"{number:06}{_FULL}") or _opened(folder / f"{number:06}{_PACKED}")
        with current or contextlib.nullcontext(), full or contextlib.nullcontext():
            yield from _requests(full or current or ())
        if full is None:
            return


def _opened(path: Path) -> IO[str] | None:
    """The text of that file; None where there is none."""
    with contextlib.suppress(FileNotFoundError):
        if path.suffix == ".gz":
            return gzip.open(path, "rt", encoding="utf-8")
        return path.open(encoding="utf-8")
    return None


def _pack(full: Path) -> None:
    """Under its name a packed file is whole, and the full one goes after it."""
    packed = full.with_name(full.name.removesuffix(_FULL) + _PACKED)
    made = packed.with_suffix(".new")
    with full.open("rb") as source, gzip.open(made, "wb", compresslevel=1) as target:
        shutil.copyfileobj(source, target)
    made.replace(packed)
    full.unlink()


def _next(folder: Path) -> int:
    """The number of the file that is written now."""
    numbers = [int(each.name.partition(".")[0]) for each in folder.glob("[0-9]*.jsonl*")]
    return max(numbers, default=-1) + 1


def _requests(lines: Iterable[str]) -> Iterator[Request]:
    for line in lines:
        if line.endswith("\n"):
            yield Request(**json.loads(line))
