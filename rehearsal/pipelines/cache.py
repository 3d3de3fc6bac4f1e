"""Step caching: an earlier success of the same step is reused instead of run again.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-caching.html and, for the
attributes that make two runs the same,
https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-default-keys.html
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS step_successes (
    pipeline_arn TEXT, step_name TEXT, signature TEXT,
    finished REAL, execution_arn TEXT, identifier TEXT
)
"""


@dataclass(frozen=True)
class Hit:
    """An earlier success: its execution, and what Describe takes to find what it made."""

    execution_arn: str
    identifier: str


def signature(step_type: str, arguments: Mapping[str, Any], attributes: Sequence[str]) -> str:
    """The digest of the evaluated attributes of Arguments that AWS compares for this type."""
    compared = {name: arguments[name] for name in attributes if name in arguments}
    text = json.dumps([step_type, compared], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class StepCache:
    """Successes of steps, in SQLite; only successes of the same pipeline and step are found."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False)
        with self._lock, self._database:
            self._database.execute(_SCHEMA)

    def remember(
        self, pipeline_arn: str, step_name: str, digest: str, finished: datetime, hit: Hit
    ) -> None:
        """Keeps a success of a step."""
        with self._lock, self._database:
            self._database.execute(
                "INSERT INTO step_successes VALUES (?, ?, ?, ?, ?, ?)",
                (pipeline_arn, step_name, digest, finished.timestamp(), *astuple(hit)),
            )

    def find(
        self,
        pipeline_arn: str,
        step_name: str,
        digest: str,
        now: datetime,
        expire_after: timedelta | None,
    ) -> Hit | None:
        """The most recent success that isn't older than expire_after."""
        oldest = 0.0 if expire_after is None else (now - expire_after).timestamp()
        query = (
            "SELECT execution_arn, identifier FROM step_successes WHERE pipeline_arn = ? "
            "AND step_name = ? AND signature = ? AND finished >= ? ORDER BY finished DESC LIMIT 1"
        )
        with self._lock:
            row = self._database.execute(
                query, (pipeline_arn, step_name, digest, oldest)
            ).fetchone()
        return None if row is None else Hit(*row)

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._database.close()
