"""Log lines: one JSON object a line, on standard output, as CloudWatch Logs Insights reads them."""

import json
import logging
from typing import Any

_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "color_message"}


class JsonFormatter(logging.Formatter):
    """Level, logger, message, and whatever `extra` was given."""

    def format(self, record: logging.LogRecord) -> str:
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
        "loggers": {
            "inference": {"handlers": ["stdout"], "level": "INFO", "propagate": False},
            "uvicorn": {"handlers": ["stdout"], "level": "INFO", "propagate": False},
        },
    }
