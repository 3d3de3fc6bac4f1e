"""The load generator: so many clients that ask again at once, or a rate whatever the answers."""

import asyncio
import itertools
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from benchmarks.harness.programs import BenchmarkError
from benchmarks.serving.kinds import Call


class RefusedError(BenchmarkError):
    """The server had too much to do (429 or 503)."""


@dataclass(frozen=True)
class LoadResult:
    """What a load measured.

    Attributes:
        seconds: of each request, from when it was due to its last byte, in order of arrival.
        elapsed: from the first request to the last answer, seconds.
    """

    seconds: Sequence[float]
    elapsed: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.elapsed

    def percentile(self, share: float) -> float:
        """The latency, in seconds, that this share of the requests, above 0, stayed within."""
        return sorted(self.seconds)[math.ceil(share * len(self.seconds)) - 1]


def asked(url: str, calls: Sequence[Call]) -> list[bytes]:
    """The answers' bodies, asked one after the other.

    Raises:
        BenchmarkError: an answer is not 200.
    """

    async def ask_all() -> list[bytes]:
        async with _session(url) as ask:
            return [await ask(call) for call in calls]

    return asyncio.run(ask_all())


def closed(url: str, calls: Sequence[Call], clients: int, seconds: float) -> LoadResult:
    """Keeps so many clients asking: each again when its last request is answered.

    Raises:
        BenchmarkError: an answer is not 200.
    """

    async def load() -> LoadResult:
        queue = itertools.cycle(calls)
        took: list[float] = []
        async with _session(url) as ask:
            began = time.perf_counter()

            async def client() -> None:
                while time.perf_counter() - began < seconds:
                    sent = time.perf_counter()
                    await ask(next(queue))
                    took.append(time.perf_counter() - sent)

            await asyncio.gather(*(client() for _ in range(clients)))
            return LoadResult(took, time.perf_counter() - began)

    return asyncio.run(load())


def opened(
    url: str, calls: Sequence[Call], rate: float, seconds: float, *, evenly: bool
) -> LoadResult:
    """Sends at `rate` whether or not earlier requests are answered.

    A request's time counts from when it was due, so that a server that falls behind can't hide it;
    of one that it refuses it is infinite.

    Args:
        rate: requests/s.
        evenly: one every 1/rate seconds; else at random moments, a Poisson process.

    Raises:
        BenchmarkError: an answer is none of 200, 429 and 503.
    """
    return asyncio.run(_opened(url, calls, _due(rate, seconds, evenly=evenly)))


def _due(rate: float, seconds: float, *, evenly: bool) -> list[float]:
    """When each request is due, in seconds from the start."""
    random_numbers = random.Random(1)  # noqa: S311 - no secret
    due, now = [], 0.0
    while now < seconds:
        due.append(now)
        now += 1 / rate if evenly else random_numbers.expovariate(rate)
    return due


async def _opened(url: str, calls: Sequence[Call], due: Sequence[float]) -> LoadResult:
    async with _session(url) as ask:
        began = time.perf_counter()

        async def at(moment: float, call: Call) -> float:
            await asyncio.sleep(began + moment - time.perf_counter())
            try:
                await ask(call)
            except RefusedError:
                return math.inf
            return time.perf_counter() - began - moment

        queue = itertools.cycle(calls)
        took = await asyncio.gather(*(at(moment, next(queue)) for moment in due))
        return LoadResult(took, time.perf_counter() - began)


@asynccontextmanager
async def _session(url: str) -> AsyncIterator[Callable[[Call], Awaitable[bytes]]]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask(call: Call) -> bytes:
            async with session.post(url, data=call.body, headers=call.headers) as answer:
                content = await answer.read()
            if answer.status != 200:
                kind = RefusedError if answer.status in (429, 503) else BenchmarkError
                raise kind(f"{url} answered {answer.status}: {content[:500]!r}")
            return content

        yield ask
