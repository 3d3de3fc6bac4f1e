"""Log lines: one JSON object a line, on standard output, as CloudWatch Logs Insights reads them."""

import asyncio
import json
import logging
import sys
from typing import Any

import orjson

_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "color_message"}


class JsonFormatter(logging.Formatter):
    """Level, logger, message, and whatever `extra` was given."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {k: v for k, v in vars(record).items() if k not in _STANDARD_FIELDS}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_line(level: str, logger: str, message: str, **facts: Any) -> None:
    """Writes one line where nothing is set up for `logging`."""
    line = {"level": level, "logger": logger, "message": message, **facts}
    print(json.dumps(line), flush=True)


def log_config() -> dict[str, Any]:
    """A `logging.config.dictConfig`, for uvicorn too."""
    to_stdout = {"handlers": ["stdout"], "level": "INFO", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                "stream": "ext://sys.stdout",
            }
        },
        "loggers": dict.fromkeys(("inference", "uvicorn"), to_stdout),
    }


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
        """Writes the lines that wait."""
        lines, self._lines = self._lines, []
        sys.stdout.buffer.write(b"".join(lines))
        sys.stdout.buffer.flush()
