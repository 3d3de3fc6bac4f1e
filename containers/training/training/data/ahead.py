"""What is made ahead, in a thread of its own."""

import os
from collections.abc import Generator, Iterable
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread, get_native_id
from typing import TypeVar

T = TypeVar("T")

_LOOK_SECONDS = 0.5
_NICENESS = 10


class _End:
    """Behind the last element, with what the iterable raised, if it did."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def ready(elements: Iterable[T], count: int) -> Generator[T]:
    """The elements of `elements`, of which up to `count` are made ahead.

    Whoever takes one pays for taking it off a queue, not for making it.
    """
    queue: Queue[T | _End] = Queue(count)
    abandoned = Event()
    thread = Thread(target=_fill, args=(elements, queue, abandoned), name="input", daemon=True)
    thread.start()
    try:
        while not isinstance(element := queue.get(), _End):
            yield element
        if element.error is not None:
            raise element.error
    finally:
        abandoned.set()
        with suppress(Empty):
            queue.get_nowait()
        thread.join()


def _fill(elements: Iterable[T], queue: Queue[T | _End], abandoned: Event) -> None:
    # It wakes when an element is taken: the step that follows goes first.
    os.setpriority(os.PRIO_PROCESS, get_native_id(), _NICENESS)
    end = _End()
    try:
        for element in elements:
            if not _put(queue, element, abandoned):
                return
    except Exception as error:  # noqa: BLE001 - raised where the elements are taken
        end = _End(error)
    _put(queue, end, abandoned)


def _put(queue: Queue[T | _End], element: T | _End, abandoned: Event) -> bool:
    while not abandoned.is_set():
        with suppress(Full):
            queue.put(element, timeout=_LOOK_SECONDS)
            return True
    return False
