"""The events that SageMaker sends to EventBridge, in AWS's own words.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
"""

import logging
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from rehearsal.store import Store
from rehearsal.supervised import SupervisedThread

PutEvent = Callable[[str, dict[str, Any], list[str]], None]
"""Puts an event of the source `aws.sagemaker`: its detail-type, detail and resources."""

Record = dict[str, Any]

KIND = "event"
_log = logging.getLogger(__name__)
_EVERY_SECONDS = 1.0
_MOST_TRIES = 5


class Events:
    """Sends one event for each change of status, in the order of the changes.

    An event is kept with the change that it tells of and sent after it, by a thread of its own:
    what receives it slowly holds nobody up, and a killed server sends what it had not. One that
    can't be sent is tried some times more, and then it is logged and left out.
    """

    def __init__(self, store: Store, put_event: PutEvent) -> None:
        self._store = store
        self._put_event = put_event
        self._failures = 0
        self._thread = SupervisedThread("events of SageMaker", self._send_all, _EVERY_SECONDS)

    def start(self) -> None:
        """Begins to send, what is left of the last time first."""
        self._thread.start()

    def close(self) -> None:
        """Sends what is left, each event once."""
        self._thread.close()
        self._send_all()

    def send(self, detail_type: str, detail: Record, resources: list[str]) -> None:
        """Sends one event, with the transaction that is under way if there is one.

        Args:
            detail: what is None in it is left out.
            resources: ARNs.
        """
        given = {key: value for key, value in detail.items() if value is not None}
        name, event = uuid.uuid4().hex, {"type": detail_type, "detail": given, "of": resources}
        self._store.add(KIND, name, f"{KIND}/{name}", event)
        self._store.afterwards(self._thread.wake)

    def send_description(
        self, detail_type: str, detail: Record, arn: str, tags: dict[str, str] | None = None
    ) -> None:
        """Sends an event whose detail is a Describe response, its times in milliseconds since 1970.

        Args:
            tags: of the resource; None where its events have none.
        """
        described = _milliseconds(detail) | ({"Tags": tags} if tags is not None else {})
        self.send(detail_type, described, [arn])

    def _send_all(self) -> None:
        while self._send_next():
            pass

    def _send_next(self) -> bool:
        """Whether there may be another to be sent now."""
        found = self._store.first(KIND)
        if found is None:
            return False
        event = found.record
        try:
            self._put_event(event["type"], event["detail"], event["of"])
        except Exception:  # noqa: BLE001 - whatever MiniStack raises
            self._failures += 1
            _log.exception("The event '%s' of %s was not sent", event["type"], event["of"])
            if self._failures < _MOST_TRIES:
                return False
        self._failures = 0
        self._store.delete(KIND, found.name)
        return True


def iso_time(time: datetime | None) -> str | None:
    """A time as the events of pipelines have it, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if time else None


def _milliseconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _milliseconds(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_milliseconds(item) for item in value]
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else value
