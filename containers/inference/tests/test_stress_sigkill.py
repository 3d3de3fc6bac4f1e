"""A serving process gets SIGKILL under load: answers come again, and none is ever wrong."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from .raw_client import Connection
from .servers import Server, StartServer
from .traffic import good

CLIENTS = 8
ANSWERS = 200  # before the kill, and again after it


class Callers:
    """Clients that ask on, whatever happens, and check each answer."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.met: Counter[str] = Counter()
        self._gone = False

    async def ask_around(self, kill: Callable[[], None]) -> None:
        """Raises WrongAnswerError. Ends when answers have come again after `kill`."""
        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(self._client(random.Random(number)))
            await self._answers(ANSWERS)
            await asyncio.to_thread(kill)
            await self._answers(ANSWERS)
            self._gone = True

    async def _answers(self, count: int) -> None:
        wanted = self.met["answers"] + count
        while self.met["answers"] < wanted:
            await asyncio.sleep(0.01)

    async def _client(self, numbers: random.Random) -> None:
        connection = Connection(self.port)
        while not self._gone:
            case = good(numbers)
            response = await connection.ask([case.request])
            if response is None or response.status in (429, 503):
                self.met["missed"] += 1
                await asyncio.sleep(0.02)
            else:
                case.check(response)
                self.met["answers"] += 1
        connection.close()


def test_a_killed_container_is_started_again_and_no_answer_was_wrong(
    start_server: StartServer, model_folder: Path
) -> None:
    server = start_server(model_folder)
    server.wait_until_ready()
    callers = Callers(server.port)

    def kill() -> None:
        """As SageMaker does with a container that ended."""
        server.process.kill()
        server.process.wait()
        start_server(model_folder, server.port)

    asyncio.run(callers.ask_around(kill))

    assert callers.met["missed"]


def test_a_killed_worker_process_is_replaced_and_no_answer_was_wrong(
    start_server: StartServer, model_folder: Path
) -> None:
    server = start_server(model_folder, INFERENCE_WORKERS="2")
    server.wait_until_ready()
    before = workers(server)
    callers = Callers(server.port)

    asyncio.run(callers.ask_around(lambda: os.kill(before[0], signal.SIGKILL)))

    assert server.process.poll() is None
    assert len(workers(server)) == len(before) == 2
    assert before[0] not in workers(server)
    assert server.terminate() == 0


def workers(server: Server) -> list[int]:
    files = Path(f"/proc/{server.process.pid}/task").glob("*/children")
    return [int(child) for file in files for child in file.read_text().split()]
