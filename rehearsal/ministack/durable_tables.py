"""DynamoDB's writes are on disk before they are answered, as AWS's are.

MiniStack keeps tables in memory and its whole state is written now and then: what came since would
not outlive a kill. Here each request that changed something is also kept as a line of a journal,
and a start makes those again that its state does not have.
"""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import asyncio
import base64
import functools
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)
_READS = ("Get", "BatchGet", "Query", "Scan", "Describe", "List", "TransactGet")
_REFUSED = 400


class Journal:
    """Requests since the state was last written.

    Its first line says of which state; a journal of another one is over: the new one has it all.

    :param state: the file that MiniStack writes DynamoDB's state to.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self._path = state.with_suffix(".journal")

    def append(self, target: str, body: bytes) -> None:
        kept = json.dumps({"target": target, "body": base64.b64encode(body).decode()})
        self._path.parent.mkdir(parents=True, exist_ok=True)
        begins = self._begun_on() != self._version()
        with self._path.open("w" if begins else "a", encoding="utf-8") as file:
            if begins:
                file.write(f"{self._version()}\n")
            file.write(f"{kept}\n")

    def requests(self) -> Iterator[tuple[str, bytes]]:
        """Target and body of those that the state does not have, the oldest first."""
        if self._begun_on() != self._version():
            return
        with self._path.open(encoding="utf-8") as file:
            next(file)
            for line in file:
                if line.endswith("\n"):  # a kill may have cut the last one
                    kept = json.loads(line)
                    yield kept["target"], base64.b64decode(kept["body"])

    def _version(self) -> str:
        try:
            found = self._state.stat()
        except FileNotFoundError:
            return "no state"
        return f"{found.st_ino} {found.st_mtime_ns}"

    def _begun_on(self) -> str | None:
        try:
            with self._path.open(encoding="utf-8") as file:
                return file.readline().rstrip("\n")
        except FileNotFoundError:
            return None


def keep_writes(state: Path) -> None:
    """Before the server starts.

    :param state: the rehearsal's state folder.
    """
    from ministack.services import dynamodb

    journal, handle = _journal(state), dynamodb.handle_request

    @functools.wraps(handle)
    async def handle_request(
        method: str, path: str, headers: dict[str, Any], body: bytes, query: dict[str, Any]
    ) -> Any:
        answer = await handle(method, path, headers, body, query)
        target = headers.get("x-amz-target", "")
        if answer[0] < _REFUSED and not target.partition(".")[2].startswith(_READS):
            journal.append(target, body)
        return answer

    dynamodb.handle_request = handle_request


def make_lost_writes_again(state: Path) -> None:
    """Once the server has its state."""
    from ministack.services import dynamodb

    handle = dynamodb.handle_request.__wrapped__  # they are in the journal already
    requests = list(_journal(state).requests())
    for target, body in requests:
        asyncio.run(handle("POST", "/", {"x-amz-target": target}, body, {}))
    if requests:
        _log.info("%s writes to tables were made again", len(requests))


def _journal(state: Path) -> Journal:
    return Journal(state / "ministack" / "services" / "dynamodb.json")
