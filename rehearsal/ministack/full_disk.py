"""A full disk: MiniStack would go on from memory and lose the objects at its next stop."""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import shutil
from pathlib import Path
from xml.sax.saxutils import escape

from rehearsal.ministack.services import Answer

# What SQLite, the logs and MiniStack's own state still need.
RESERVE_BYTES = 64 * 2**20
_WRITES = ("PUT", "POST")


def refuse_objects_on_full_disk(state: Path, reserve: int = RESERVE_BYTES) -> None:
    """S3 answers each write with one sentence while less than `reserve` bytes are free."""
    from ministack import app

    its_own = app.SERVICE_HANDLERS["s3"]

    async def handler(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Answer:
        if method in _WRITES and shutil.disk_usage(state).free < reserve + len(body):
            message = (
                f"The disk that holds {state} has less than {reserve // 2**20} MiB free: make "
                "room and try again."
            )
            # 400, as a retry would not help.
            return 400, {"Content-Type": "application/xml"}, _error("DiskFull", message)
        answer: Answer = await its_own(method, path, headers, body, query)
        return answer

    app.SERVICE_HANDLERS["s3"] = handler


def _error(code: str, message: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>".encode()
