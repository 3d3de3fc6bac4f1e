"""SageMaker beside MiniStack's services."""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import asyncio
from typing import Any

from rehearsal.api.http import Http
from rehearsal.ministack import loop

_SERVICE = "sagemaker"

Answer = tuple[int, dict[str, str], bytes]


def add_sagemaker(http: Http) -> None:
    """Routes SageMaker's clients, control plane and runtime, to us."""
    from ministack import app
    from ministack.core import router
    from ministack.core.concurrency import run_reentrant

    async def handler(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Answer:
        # A thread of its own: some operations read S3, on this very server.
        status, answered, content = await run_reentrant(http.answer, method, path, headers, body)
        # MiniStack makes a JSON service's Content-Type its protocol's. A model server's own must
        # stay; it looks for the capitalised name.
        return status, {name.lower(): value for name, value in answered.items()}, content

    app.SERVICE_HANDLERS[_SERVICE] = handler
    router.SERVICE_PATTERNS[_SERVICE] = {"target_prefixes": ["SageMaker."]}


def put_event(detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
    """Puts an event of `aws.sagemaker`, which PutEvents lets AWS's own services only, and waits
    until it is put. From any thread but the server's own.
    """

    async def put() -> None:
        loop.put_event("aws.sagemaker", detail_type, detail, resources)

    asyncio.run_coroutine_threadsafe(put(), loop.main_loop()).result(timeout=30)
