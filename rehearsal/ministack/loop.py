"""MiniStack's event loop, and whose request it works on."""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def main_loop() -> asyncio.AbstractEventLoop:
    """Raises:
    RuntimeError: the server does not run.
    """
    from ministack import app

    loop: asyncio.AbstractEventLoop | None = app._MAIN_LOOP
    if loop is None or loop.is_closed():
        raise RuntimeError("the server does not run")
    return loop


def put_event_soon(
    source: str, detail_type: str, detail: dict[str, Any], resources: list[str]
) -> None:
    """Puts an event of an AWS service once the work at hand is done: what it tells of is so by
    then. From any thread; the event is of that request's account and region.
    """
    soon(lambda: put_event(source, detail_type, detail, resources))


def put_event(source: str, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
    """On the server's loop, as PutEvents itself: its targets count on that."""
    from ministack.services import eventbridge

    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Detail": json.dumps(detail),
        "Resources": resources,
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def soon(work: Callable[[], None]) -> None:
    """Does `work` on the loop, later, in this request's account and region."""
    main_loop().call_soon_threadsafe(work)


@contextmanager
def scope(account: str, region: str) -> Iterator[None]:
    """Within it MiniStack's stores are those of an account and region."""
    from ministack.core import responses

    before = responses.get_account_id(), responses.get_region()
    responses.set_request_account_id(account)
    responses.set_request_region(region)
    try:
        yield
    finally:
        responses.set_request_account_id(before[0])
        responses.set_request_region(before[1])
