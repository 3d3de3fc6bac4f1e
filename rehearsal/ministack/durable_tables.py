"""DynamoDB's writes are on disk before they are answered, as AWS's are.

MiniStack keeps tables in memory and its whole state is written now and then: what came since would
not outlive a kill. Here each request that changed something is also kept as a line of a journal,
and a start makes those again that its state does not have.
"""

import asyncio
import base64
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ministack.services import dynamodb

from rehearsal.ministack.loop import Answer, Handler, run_on_loop, scope
from rehearsal.settings import RehearsalSettings

_log = logging.getLogger(__name__)
_READS = ("Get", "BatchGet", "Query", "Scan", "Describe", "List", "TransactGet")
_REFUSED = 400


class Journal:
    """Requests since the state was last written.

    Its first line says of which state; a journal of another one is over: the new one has it all.

    Attributes:
        state: the file that MiniStack writes DynamoDB's state to.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self._path = state.with_suffix(".journal")

    def append(self, target: str, body: bytes) -> None:
        """Adds a request by its `X-Amz-Target` and body; on disk when this returns."""
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


class DurableTables:
    """Keeps each write in the journal, and makes those again that MiniStack's state lost, once."""

    def __init__(self, settings: RehearsalSettings) -> None:
        self._journal = Journal(settings.state / "ministack" / "services" / "dynamodb.json")
        self._settings = settings
        self._turn = asyncio.Lock()
        self._made = False
        # MiniStack's own, not yet wrapped: what is made again is in the journal already.
        self._handle: Handler = dynamodb.handle_request

    async def handle_request(
        self,
        old: Handler,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, Any],
    ) -> Answer:
        """A request is answered once what was lost is there, and once it is in the journal."""
        await self._make_again()
        answer = await old(method, path, headers, body, query)
        target = headers.get("x-amz-target", "")
        if answer[0] < _REFUSED and not target.partition(".")[2].startswith(_READS):
            self._journal.append(target, body)
        return answer

    def make_lost_writes_again(self) -> None:
        """Once the server has its state; from any thread but its own."""
        run_on_loop(self._make_again())

    async def _make_again(self) -> None:
        async with self._turn:
            if self._made:
                return
            requests = list(self._journal.requests())
            # Whoever's request comes first, they are not of its account.
            with scope(self._settings.account, self._settings.region):
                for target, body in requests:
                    await self._handle("POST", "/", {"x-amz-target": target}, body, {})
            self._made = True
        if requests:
            _log.info("%s writes to tables were made again", len(requests))


def answer_in_process(headers: dict[str, str], body: bytes) -> Answer:
    """The answer of MiniStack's DynamoDB to a request, without a server: from memory, and no loop.

    Raises:
        RuntimeError: the operation waits for something.
    """
    try:
        dynamodb.handle_request("POST", "/", headers, body, {}).send(None)
    except StopIteration as answered:
        answer: Answer = answered.value
        return answer
    raise RuntimeError("MiniStack's DynamoDB waits for something, and needs a loop")
