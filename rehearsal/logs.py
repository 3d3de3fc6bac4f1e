"""The lines of containers, to CloudWatch Logs while they come."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal import aws
from rehearsal.settings import RehearsalSettings
from rehearsal.supervised import Failures

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

_log = logging.getLogger(__name__)

_EVERY_SECONDS = 0.3
# PutLogEvents takes 10,000 events and 1,048,576 bytes, counting 26 bytes more an event.
_MOST_EVENTS = 10_000
_MOST_BYTES = 1_000_000
_EVENT_BYTES = 26
# So many lines wait, and then who writes them does: a full pipe holds a container up, as on AWS
# its log driver does.
_MOST_WAITING = 1000


class LogWriter:
    """Writes lines to the log streams of one log group, from a thread of its own.

    A stream is made when its first line comes. What CloudWatch Logs refuses is said in the engine's
    own log and dropped: a job does not fail for its logs, but where its role may not write any.

    Attributes:
        role: who writes; root by default.
        denied: what CloudWatch Logs said when the role was not allowed to write.
    """

    def __init__(self, settings: RehearsalSettings, group: str, role: aws.Role | None = None):
        self.denied: str | None = None
        self._settings = settings
        self._role = role
        self._group = group
        self._lines: queue.Queue[tuple[str, InputLogEventTypeDef] | None] = queue.Queue(
            _MOST_WAITING
        )
        self._closed = threading.Event()
        self._known: set[str] = set()
        self._failures = Failures(f"logs {group}")
        self._thread = threading.Thread(target=self._work, name=f"logs {group}", daemon=True)
        self._thread.start()

    def write(self, stream: str, line: str) -> None:
        """Blocks while too many lines wait; after `close` it does nothing."""
        if self._closed.is_set():
            return
        # CloudWatch Logs refuses an empty message; an empty line is one with a space.
        event: InputLogEventTypeDef = {
            "timestamp": time.time_ns() // 1_000_000,
            "message": line or " ",
        }
        self._lines.put((stream, event))

    def close(self) -> None:
        """Writes what is left, and ends."""
        self._closed.set()
        self._lines.put(None)
        self._thread.join()

    def _work(self) -> None:
        is_open = True
        while is_open:
            batch, is_open = self._batch()
            for stream, events in batch.items():
                with self._failures.watched(stream):
                    self._write(stream, events)

    def _write(self, stream: str, events: list[InputLogEventTypeDef]) -> None:
        try:
            client = self._client()
            if stream not in self._known:
                make_stream(client, self._group, stream)
                self._known.add(stream)
            client.put_log_events(logGroupName=self._group, logStreamName=stream, logEvents=events)
        except (ClientError, BotoCoreError) as error:
            if aws.is_denied(error):
                self.denied = str(error)
            _log.warning(
                "The log stream %s %s could not be written: %s", self._group, stream, error
            )

    def _client(self) -> CloudWatchLogsClient:
        found: CloudWatchLogsClient = (
            aws.client(self._settings, "logs") if self._role is None else self._role.client("logs")
        )
        return found

    def _batch(self) -> tuple[dict[str, list[InputLogEventTypeDef]], bool]:
        batch: dict[str, list[InputLogEventTypeDef]] = {}
        size = count = 0
        item = self._lines.get()
        until = time.monotonic() + _EVERY_SECONDS
        while item is not None:
            stream, event = item
            batch.setdefault(stream, []).append(event)
            size += len(event["message"].encode(errors="replace")) + _EVENT_BYTES
            count += 1
            left = until - time.monotonic()
            if left <= 0 or size > _MOST_BYTES // 2 or count >= _MOST_EVENTS:
                return batch, True
            try:
                item = self._lines.get(timeout=left)
            except queue.Empty:
                return batch, True
        return batch, False


def make_stream(client: CloudWatchLogsClient, group: str, stream: str) -> None:
    """Makes a log group and a stream, where they are not there yet."""
    exists = client.exceptions.ResourceAlreadyExistsException
    with contextlib.suppress(exists):
        client.create_log_group(logGroupName=group)
    with contextlib.suppress(exists):
        client.create_log_stream(logGroupName=group, logStreamName=stream)
