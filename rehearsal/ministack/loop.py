"""MiniStack's event loop, whose request it works on, and what of ours it answers there."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from ministack import app
from ministack.core import responses
from ministack.core.concurrency import run_reentrant
from ministack.services import eventbridge

Result = TypeVar("Result")

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""

Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Answer]]
"""Answers a request by its method, path, headers, body and query."""

_PUT_SECONDS = 30.0


class HttpService(Protocol):
    """A service of ours beside MiniStack's."""

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Never raises; may block. The headers' names are in lower case."""


def handler(service: HttpService) -> Handler:
    """A service of ours as MiniStack calls its own."""

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Answer:
        # A thread of its own: some operations call this very server.
        status, answered, content = await run_reentrant(service.answer, method, path, headers, body)
        # MiniStack makes a JSON service's Content-Type its protocol's. A model server's own must
        # stay; it looks for the capitalised name.
        return status, {name.lower(): value for name, value in answered.items()}, content

    return handle


def main_loop() -> asyncio.AbstractEventLoop:
    """The loop that the server runs on.

    Raises:
        RuntimeError: the server does not run.
    """
    loop: asyncio.AbstractEventLoop | None = app._MAIN_LOOP
    if loop is None or loop.is_closed():
        raise RuntimeError("the server does not run")
    return loop


def run_on_loop(work: Coroutine[Any, Any, Result], seconds: float | None = None) -> Result:
    """The result of `work`; from any thread but the server's own.

    Raises:
        TimeoutError: there was none after `seconds`.
    """
    return asyncio.run_coroutine_threadsafe(work, main_loop()).result(seconds)


def _put_event(source: str, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
    """On the server's loop, as PutEvents itself: its targets count on that."""
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Detail": json.dumps(detail),
        "Resources": resources,
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def put_event_soon(
    source: str, detail_type: str, detail: dict[str, Any], resources: list[str]
) -> None:
    """Puts an event of an AWS service once the work at hand is done: what it tells of is so by
    then. From any thread; the event is of that request's account and region.
    """
    soon(lambda: _put_event(source, detail_type, detail, resources))


def put_sagemaker_event(detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
    """Puts an event of `aws.sagemaker`, which PutEvents lets AWS's own services only, and waits
    until it is put. From any thread but the server's own.
    """

    async def put() -> None:
        _put_event("aws.sagemaker", detail_type, detail, resources)

    run_on_loop(put(), _PUT_SECONDS)


def soon(work: Callable[[], None]) -> None:
    """Does `work` on the loop, later, in this request's account and region."""
    main_loop().call_soon_threadsafe(work)


@contextmanager
def scope(account: str, region: str) -> Iterator[None]:
    """Within it MiniStack's stores are those of an account and region."""
    before = responses.get_account_id(), responses.get_region()
    responses.set_request_account_id(account)
    responses.set_request_region(region)
    try:
        yield
    finally:
        responses.set_request_account_id(before[0])
        responses.set_request_region(before[1])
