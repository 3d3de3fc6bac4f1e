"""`slow_server.py STATE PORT`: the real server, with IAM enforced and jobs that only pretend.

A job runs until the file STATE/outcome says what becomes of it: Completed or Failed.
"""

from __future__ import annotations

import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rehearsal import process_backends, server
from rehearsal.backends import Change, JobBackend
from rehearsal.settings import RehearsalSettings


class Jobs:
    """Processing jobs; there are no others."""

    def __init__(self, outcome: Path) -> None:
        self._outcome = outcome

    def start_processing_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        threading.Thread(target=self._run, args=(change,), daemon=True).start()

    def _run(self, change: Change) -> None:
        change({"ProcessingStartTime": datetime.now(UTC)})
        while not self._outcome.exists():
            time.sleep(0.05)
        status = self._outcome.read_text(encoding="utf-8")
        reason = {"FailureReason": "It was told to fail."} if status == "Failed" else {}
        change({"ProcessingJobStatus": status, "ProcessingEndTime": datetime.now(UTC), **reason})

    def stop(self, arn: str) -> None:
        return None

    def close(self) -> None:
        return None


class Backends(process_backends.Backends):
    def jobs(self, settings: RehearsalSettings) -> JobBackend:
        return Jobs(settings.state / "outcome")  # type: ignore[return-value]


if __name__ == "__main__":
    state = Path(sys.argv[1])
    server.log_to_stderr()
    server.serve(
        RehearsalSettings(state, state / "cache", int(sys.argv[2])),
        enforce_iam=True,
        backends=Backends(),
    )
