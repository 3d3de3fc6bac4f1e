"""Work on many things at once, in order, in bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

WAITING_PER_WORKER = 4


def ordered_map(
    function: Callable[[T], R],
    items: Iterable[T],
    workers: int,
    weight: Callable[[T], int] | None = None,
    limit: int | None = None,
) -> Iterator[R]:
    """Results of `function` in the order of `items`, from `workers` threads.

    At most four results a worker wait to be taken, however many items there are; or, with `weight`,
    results of items that weigh `limit` in all, or of one that is heavier. The first exception of
    `function` is raised in its place, and what has not begun is dropped.
    """
    # One item more has been read when a result is taken.
    most = limit if limit is not None else WAITING_PER_WORKER * workers - 1
    pool = ThreadPoolExecutor(workers)
    waiting: deque[tuple[Future[R], int]] = deque()
    total = 0
    try:
        for item in items:
            more = weight(item) if weight else 1
            while waiting and total + more > most:
                future, less = waiting.popleft()
                yield future.result()
                total -= less
            waiting.append((pool.submit(function, item), more))
            total += more
        while waiting:
            yield waiting.popleft()[0].result()
    finally:
        pool.shutdown(cancel_futures=True)
