"""Ten thousand requests of every kind at once: no wrong answer, and memory stays flat."""

import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .load import Load
from .servers import Server, picture
from .traffic import Case, bad, good, hostile

CLIENTS, WARM_UP, REQUESTS = 32, 2_000, 10_000
IDLERS = 50
MEBIBYTE = 2**20
# Of what the server is sent after the warm-up, which is more than 100 MiB: what it keeps shows.
MOST_KEPT = 0.05


def cases(count: int, seed: int) -> list[Case]:
    numbers = random.Random(seed)
    kinds = numbers.choices([good, bad, hostile], weights=[70, 25, 5], k=count)
    return [kind(numbers) for kind in kinds]


def resident(process: int) -> int:
    """Bytes of the process and those that it started."""
    proc = Path("/proc") / str(process)
    pages = int((proc / "statm").read_text().split()[1])
    children = " ".join(file.read_text() for file in proc.glob("task/*/children")).split()
    return pages * 4096 + sum(resident(int(child)) for child in children)


@pytest.fixture
def idlers(server: Server) -> Iterator[None]:
    """Clients that say half of a request and no more, as long as the test runs."""
    with ExitStack() as stack:
        for _ in range(IDLERS):
            idler = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            idler.sendall(b"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-")
        yield


def test_ten_thousand_mixed_requests_get_no_wrong_answer_and_leave_memory_flat(
    server: Server, idlers: None
) -> None:
    load = Load(server.port, CLIENTS)
    load.run(cases(WARM_UP, seed=1), seed=1)
    before = resident(server.process.pid)

    sent = cases(REQUESTS - WARM_UP, seed=2)
    load.run(sent, seed=2)

    growth = resident(server.process.pid) - before
    size = sum(len(case.request) for case in sent)
    print(f"{dict(load.met)}; {growth / MEBIBYTE:.1f} MiB more of {size / MEBIBYTE:.0f} MiB")
    assert size > 100 * MEBIBYTE
    assert growth < MOST_KEPT * size
    assert load.met["200"] > REQUESTS / 2
    assert min(load.met[way] for way in ("400", "406", "415", "slow", "dropped")) > 50
    assert server.process.poll() is None
    assert server.post(picture(255)).json()["label"] == "bright"
