"""The records of all resources, in one SQLite file. Safe to use from any thread."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

_TABLES = """
create table if not exists resources (
    sequence integer primary key autoincrement,
    kind text not null, name text not null, parent text not null, arn text not null unique,
    record text not null, unique (kind, name)
);
create index if not exists children on resources (parent);
create table if not exists tags (
    sequence integer primary key autoincrement,
    arn text not null, key text not null, value text not null, unique (arn, key)
);
"""


@dataclass(frozen=True)
class Resource:
    """A record and its place.

    Attributes:
        sequence: counts up with creation.
        parent: what it belongs to, e.g. the ARN of an execution's pipeline; may be empty.
        record: members of the Describe response; names that begin with `_` are the rehearsal's.
    """

    sequence: int
    kind: str
    name: str
    parent: str
    arn: str
    record: dict[str, Any]


class Store:
    """All records and tags, in a SQLite file that is made where it is missing."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._afterwards: list[Callable[[], object]] = []
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # A write is in the file before its caller hears of it: a killed server loses none.
        self._connection.execute("pragma journal_mode = wal")
        self._connection.executescript(_TABLES)

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and no other thread in between; may be nested."""
        afterwards: list[Callable[[], object]] = []
        with self._lock:
            outermost = self._depth == 0
            if outermost:
                self._connection.execute("begin immediate")
            self._depth += 1
            try:
                yield
            except BaseException:
                if outermost:
                    self._connection.execute("rollback")
                    self._afterwards = []
                raise
            else:
                if outermost:
                    self._connection.execute("commit")
                    afterwards, self._afterwards = self._afterwards, []
            finally:
                self._depth -= 1
        for work in afterwards:
            work()

    def afterwards(self, work: Callable[[], object]) -> None:
        """Does `work` once the transaction is over, and nothing is held; at once where there is
        none, and never where it is taken back.
        """
        with self._lock:
            if self._depth:
                self._afterwards.append(work)
                return
        work()

    def add(self, kind: str, name: str, arn: str, record: dict[str, Any], parent: str = "") -> None:
        """Adds a record.

        Raises:
            KeyError: there is one of that kind and name, or of that ARN.
        """
        with self.transaction():
            if self.get(kind, name) is not None or self.by_arn(arn) is not None:
                raise KeyError(name)
            self.put(kind, name, arn, record, parent)

    def put(
        self, kind: str, name: str, arn: str, record: dict[str, Any], parent: str = ""
    ) -> dict[str, Any] | None:
        """Adds a record, or puts it at the place of that name; returns what it replaced."""
        with self.transaction():
            before = self.get(kind, name)
            self._connection.execute(
                "insert into resources (kind, name, parent, arn, record) values (?, ?, ?, ?, ?) "
                "on conflict (kind, name) do update set record = excluded.record",
                (kind, name, parent, arn, _dumps(record)),
            )
            return before.record if before else None

    def get(self, kind: str, name: str) -> Resource | None:
        """The resource of a kind and name; None, there is none."""
        return next(self._select("where kind = ? and name = ?", kind, name), None)

    def by_arn(self, arn: str) -> Resource | None:
        """The resource of an ARN; None, there is none."""
        return next(self._select("where arn = ?", arn), None)

    def all(self, kind: str, parent: str | None = None) -> list[Resource]:
        """In order of creation."""
        if parent is None:
            return list(self._select("where kind = ? order by sequence", kind))
        return list(self._select("where kind = ? and parent = ? order by sequence", kind, parent))

    def first(self, kind: str) -> Resource | None:
        """The oldest of a kind; None, there is none."""
        return next(self._select("where kind = ? order by sequence limit 1", kind), None)

    def change(
        self, kind: str, name: str, change: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Merges what `change` makes of the record into it; returns it before and after, and None
        where it is gone.
        """
        with self.transaction():
            found = self.get(kind, name)
            if found is None:
                return None
            after = found.record | change(found.record)
            self._connection.execute(
                "update resources set record = ? where sequence = ?",
                (_dumps(after), found.sequence),
            )
            return found.record, after

    def delete(self, kind: str, name: str) -> bool:
        """Also deletes its tags, and what has its ARN as parent; says whether it was there."""
        with self.transaction():
            found = self.get(kind, name)
            if found is None:
                return False
            execute = self._connection.execute
            execute("delete from resources where sequence = ?", (found.sequence,))
            execute("delete from tags where arn = ?", (found.arn,))
            for child in self._select("where parent = ?", found.arn):
                self.delete(child.kind, child.name)
            return True

    def tags(self, arn: str) -> dict[str, str]:
        """A resource's tags, in the order in which their keys came."""
        rows = self._rows("select key, value from tags where arn = ? order by sequence", arn)
        return dict(rows)

    def set_tags(self, arn: str, tags: dict[str, str]) -> None:
        """Adds tags to a resource, or changes their values."""
        with self.transaction():
            for key, value in tags.items():
                self._connection.execute(
                    "insert into tags (arn, key, value) values (?, ?, ?) "
                    "on conflict (arn, key) do update set value = excluded.value",
                    (arn, key, value),
                )

    def remove_tags(self, arn: str, keys: list[str]) -> None:
        """Removes tags by their keys; one that is not there is no error."""
        with self.transaction():
            for key in keys:
                self._connection.execute("delete from tags where arn = ? and key = ?", (arn, key))

    def _select(self, where: str, *values: str) -> Iterator[Resource]:
        rows = self._rows(
            "select sequence, kind, name, parent, arn, record from resources " + where,  # noqa: S608 - our own text
            *values,
        )
        for row in rows:
            sequence, kind, name, parent, arn, record = row
            yield Resource(sequence, kind, name, parent, arn, _loads(record))

    def _rows(self, query: str, *values: str) -> list[Any]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()


def _dumps(record: dict[str, Any]) -> str:
    return json.dumps(record, default=_datetime_out)


def _loads(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(text, object_hook=_datetime_in)
    return loaded


def _datetime_out(value: object) -> dict[str, str]:
    if isinstance(value, datetime):
        return {"$datetime": value.isoformat()}
    raise TypeError(f"{type(value).__name__} can't be kept in the store")


def _datetime_in(value: dict[str, Any]) -> Any:
    return datetime.fromisoformat(value["$datetime"]) if value.keys() == {"$datetime"} else value
