"""Our services beside MiniStack's."""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from rehearsal.ministack import loop

Answer = tuple[int, dict[str, str], bytes]


class Http(Protocol):
    """A service of ours."""

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer: ...


def add_service(name: str, target_prefix: str, http: Http) -> None:
    """Routes a service's clients to us; of SageMaker those of the runtime, too.

    Args:
        target_prefix: of the requests' `X-Amz-Target`.
    """
    from ministack import app
    from ministack.core import router
    from ministack.core.concurrency import run_reentrant

    async def handler(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Answer:
        # A thread of its own: some operations call this very server.
        status, answered, content = await run_reentrant(http.answer, method, path, headers, body)
        # MiniStack makes a JSON service's Content-Type its protocol's. A model server's own must
        # stay; it looks for the capitalised name.
        return status, {name.lower(): value for name, value in answered.items()}, content

    app.SERVICE_HANDLERS[name] = handler
    router.SERVICE_PATTERNS[name] = {"target_prefixes": [target_prefix]}


def put_event(detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
    """Puts an event of `aws.sagemaker`, which PutEvents lets AWS's own services only, and waits
    until it is put. From any thread but the server's own.
    """

    async def put() -> None:
        loop.put_event("aws.sagemaker", detail_type, detail, resources)

    asyncio.run_coroutine_threadsafe(put(), loop.main_loop()).result(timeout=30)
