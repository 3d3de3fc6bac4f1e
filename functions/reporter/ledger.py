"""What was told, so that it is told once: EventBridge and Lambda deliver an event at least once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from functions.shared import Documents

_PREFIX = "reports/"
# Longer than the function may run: whoever has not told after this is dead.
_GIVEN_UP = timedelta(minutes=2)


class BusyError(Exception):
    """Another invocation is telling this; asked again later, it has told, or is dead."""


@dataclass(frozen=True)
class Ledger:
    """Notes in S3, `reports/<key>.json`, each with what was told.

    A note is claimed before the work and closed after it. Whoever finds it closed has nothing to
    do; whoever finds it claimed by somebody who may still be at it comes back later. So nothing is
    lost, and a message is sent twice only where a function dies between SNS's answer and the next
    line.
    """

    documents: Documents
    now: Callable[[], datetime]

    def once(self, key: str, work: Callable[[], dict[str, Any]]) -> bool:
        """Does `work` unless it was done for this key; its answer is kept. Whether it was done now.

        Raises:
            BusyError: another is at it.
        """
        place = f"{_PREFIX}{key}.json"
        etag = self._claim(place)
        if etag is None:
            return False
        try:
            told = work()
        except BaseException:
            self.documents.replace(place, {"state": "released"}, etag)
            raise
        self.documents.replace(place, {"state": "told", "time": self._text(), **told}, etag)
        return True

    def _claim(self, place: str) -> str | None:
        """The claim's ETag; None where it was told."""
        claim = {"state": "claimed", "time": self._text()}
        etag = self.documents.replace(place, claim, None)
        if etag is not None:
            return etag
        found = self.documents.read(place)
        if found is None or self._is_at_work(found[0]):
            raise BusyError(f"Another invocation works on {place}: this event is tried again.")
        if found[0]["state"] == "told":
            return None
        etag = self.documents.replace(place, claim, found[1])
        if etag is None:
            raise BusyError(f"Another invocation took {place} over: this event is tried again.")
        return etag

    def _is_at_work(self, note: dict[str, Any]) -> bool:
        return (
            note["state"] == "claimed"
            and datetime.fromisoformat(note["time"]) > self.now() - _GIVEN_UP
        )

    def _text(self) -> str:
        return self.now().isoformat()
