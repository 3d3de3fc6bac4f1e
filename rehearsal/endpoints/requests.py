"""One invocation, as the parts of a fleet hand it on, and the count of those under way."""

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from rehearsal.backends import INVOCATION_SECONDS

TARGET_VARIANT = "x-amzn-sagemaker-target-variant"
INFERENCE_ID = "x-amzn-sagemaker-inference-id"
CUSTOM_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
_OF_THE_CONNECTION = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})


@dataclass(frozen=True)
class Request:
    """An invocation as the client sent it.

    Attributes:
        headers: the client's, names in lower case.
        began: `time.monotonic()` when it arrived.
    """

    body: bytes
    headers: Mapping[str, str]
    timeout_seconds: float
    began: float = field(default_factory=time.monotonic)

    @property
    def for_container(self) -> dict[str, str]:
        """The headers that the container gets."""
        wanted = ("content-type", "accept", "x-amzn-sagemaker-")
        return {
            key: value
            for key, value in self.headers.items()
            if key.startswith(wanted) and key != TARGET_VARIANT
        }


@dataclass(frozen=True)
class Answer:
    """The container's answer, and how long it took as seen from outside."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def for_client(self) -> dict[str, str]:
        """Its headers but those of the connection."""
        return {key: value for key, value in self.headers.items() if key not in _OF_THE_CONNECTION}


def chosen(share: float) -> bool:
    """Whether chance picks this one of all requests, at a share of 0 to 1."""
    # As on AWS; nothing is decided by it.
    return random.random() < share  # noqa: S311 - no secret


# A server that sends its answer byte by byte may take longer than a request's timeout.
_RESERVE_SECONDS = 5.0


class InFlight:
    """Requests that have begun and are not answered yet."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0
        self._longest = INVOCATION_SECONDS

    def enter(self, timeout_seconds: float) -> None:
        """Marks a request as begun, which ends after `timeout_seconds` at the latest."""
        with self._changed:
            self._count += 1
            self._longest = max(self._longest, timeout_seconds)

    def leave(self) -> None:
        """Marks a request as answered."""
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def wait(self) -> None:
        """Returns when none is under way, or all have had their time."""
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0, self._longest + _RESERVE_SECONDS)
