"""Many clients at once, well-behaved, slow and broken off."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence

from .raw_client import Connection
from .traffic import Case, WrongAnswerError

PLAIN, SLOW, DROPPED = 90, 5, 5  # of a hundred


class Load:
    """Clients that share the cases out.

    Attributes:
        met: how many requests went in which way.
    """

    def __init__(self, port: int, clients: int) -> None:
        self.port = port
        self.clients = clients
        self.met: Counter[str] = Counter()

    def run(self, cases: Sequence[Case], seed: int) -> None:
        """Raises WrongAnswerError; TimeoutError where an answer doesn't come."""
        asyncio.run(self._run(cases, seed))

    async def _run(self, cases: Sequence[Case], seed: int) -> None:
        left = iter(cases)
        async with asyncio.TaskGroup() as group:
            for number in range(self.clients):
                group.create_task(self._client(left, random.Random(f"{seed}-{number}")))

    async def _client(self, left: Iterator[Case], numbers: random.Random) -> None:
        connection = Connection(self.port)
        for case in left:
            way = numbers.choices(["plain", "slow", "dropped"], [PLAIN, SLOW, DROPPED])[0]
            self.met[way] += 1
            if way == "dropped":
                await self._drop(connection, case, numbers)
            else:
                await self._ask(connection, case, slowly=way == "slow")
        connection.close()

    async def _drop(self, connection: Connection, case: Case, numbers: random.Random) -> None:
        """Gone before the answer, and mostly before the request's end."""
        connection.close()
        await connection.drop(case.request[: numbers.randint(1, len(case.request))])

    async def _ask(self, connection: Connection, case: Case, *, slowly: bool) -> None:
        size = -(-len(case.request) // 5) if slowly else len(case.request)
        pieces = [case.request[i : i + size] for i in range(0, len(case.request), size)]
        pause = 0.02 if slowly else 0.0
        response = await connection.ask(pieces, pause)
        while response is not None and response.status in (429, 503):
            self.met["busy"] += 1
            await asyncio.sleep(int(response.headers["retry-after"]))
            response = await connection.ask(pieces, pause)
        try:
            case.check(response)
        except WrongAnswerError as error:
            raise WrongAnswerError(f"{case.name}, {'slow' * slowly}: {error}") from error
        self.met[str(response.status) if response else "closed"] += 1
