"""A log line a request, written together with those of the same turn of the event loop."""

import asyncio
import sys
from typing import Any

import orjson


class RequestLog:
    """Lives on the event loop. A line by `logging` takes as long as parsing a request."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lines: list[bytes] = []

    def write(self, **facts: Any) -> None:
        """facts: what the line says beside level, logger and message; never image content."""
        if not self._lines:
            self._loop.call_soon(self.flush)
        line = {"level": "INFO", "logger": "inference.requests", "message": "request", **facts}
        self._lines.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def flush(self) -> None:
        lines, self._lines = self._lines, []
        sys.stdout.buffer.write(b"".join(lines))
        sys.stdout.buffer.flush()
