"""A request as the routes need it: headers, id, body within the limits; and why one is refused."""

import asyncio
import itertools
import os
from collections.abc import Mapping
from typing import Any

from inference.settings import MEGABYTE, Settings

RETRY_AFTER_SECONDS = 1


class Refusal(Exception):  # noqa: N818 - it is an answer, and reads so in `except`
    """Answered as a status with one sentence; headers in lower case beside those of all answers.

    A client that asks too much gets 429: it is no fault of the model, which a server error would
    take back. Like 503 it says when to come again.
    """

    def __init__(self, status: int, sentence: str, headers: Mapping[str, str] | None = None):
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.headers = dict(headers or {})
        if status in (429, 503):
            self.headers["retry-after"] = str(RETRY_AFTER_SECONDS)


# SageMaker passes both on; the first is InvokeEndpoint's InferenceId.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
INFERENCE_ID = b"x-amzn-sagemaker-inference-id"
CUSTOM_ATTRIBUTES = b"x-amzn-sagemaker-custom-attributes"
REQUEST_ID = b"x-request-id"
MAXIMUM_ID = 128
MAXIMUM_CUSTOM_ATTRIBUTES = 1024
# A client still sending when the connection closes never sees the answer: so much is read first.
DRAIN_LIMIT = 32 * MEGABYTE

# New for each process; a random number for each request would be a system call in which other
# threads take the interpreter.
_process = os.urandom(10).hex()
_numbers = itertools.count()

Receive = Any
"""ASGI's `receive`."""


class GoneError(Exception):
    """The client closed the connection before the body was complete."""


class Holding:
    """How many bytes of bodies all requests hold in memory."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0

    def take(self, count: int) -> None:
        """Raises Refusal 429 where it would be more than the limit."""
        if self._bytes + count > self._limit:
            raise Refusal(
                429, f"Requests under way hold {self._bytes >> 20} MB already: send it again later."
            )
        self._bytes += count

    def give(self, count: int) -> None:
        """Gives so many bytes back."""
        self._bytes -= count


class Request:
    """One request; `close` gives its memory back.

    Attributes:
        headers: names in lower case; of a name that comes twice, the last.
        id: the client's or SageMaker's, else a new one.
    """

    def __init__(self, scope: Mapping[str, Any], receive: Receive, holding: Holding) -> None:
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.id = _given_id(self.headers) or f"{_process}{next(_numbers):012x}"
        self._receive = receive
        self._holding = holding
        self._held = 0

    def header(self, name: bytes, default: str = "") -> str:
        """A header by its name in lower case."""
        value = self.headers.get(name)
        return default if value is None else value.decode("latin-1")

    @property
    def custom_attributes(self) -> str | None:
        """What is handed back as it came, where it is what SageMaker allows."""
        given = self.header(CUSTOM_ATTRIBUTES)
        return given if _is_visible(given, MAXIMUM_CUSTOM_ATTRIBUTES) else None

    async def body(self, settings: Settings) -> bytes:
        """Reads the body within the limits of size and time.

        Raises:
            Refusal: 413, 408 or 429.
            GoneError
        """
        limit = settings.body_megabytes * MEGABYTE
        try:
            async with asyncio.timeout(settings.read_seconds):
                return await self._read(limit)
        except TimeoutError:
            raise Refusal(
                408,
                f"The body was not here after {settings.read_seconds:g} s: send it faster.",
                {"connection": "close"},
            ) from None

    def close(self) -> None:
        """Gives back what its body held."""
        self._holding.give(self._held)
        self._held = 0

    async def _read(self, limit: int) -> bytes:
        announced = self.headers.get(b"content-length", b"0")
        too_much = int(announced) > limit if announced.isdigit() else False
        if too_much and b"expect" in self.headers:
            # The client has not sent it yet.
            raise _too_large(limit)
        chunks: list[bytes] = []
        size = 0
        async for chunk in self._chunks():
            size += len(chunk)
            if not too_much and size <= limit:
                self._holding.take(len(chunk))
                self._held += len(chunk)
                chunks.append(chunk)
            elif size > DRAIN_LIMIT:
                break
            else:
                chunks.clear()
        if size > limit:
            raise _too_large(limit)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _chunks(self) -> Any:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise GoneError
            if message["body"]:
                yield message["body"]
            if not message.get("more_body"):
                return


def _too_large(limit: int) -> Refusal:
    return Refusal(
        413, f"The body has more than {limit} bytes: send less.", {"connection": "close"}
    )


def _given_id(headers: Mapping[bytes, bytes]) -> str | None:
    given = (headers.get(INFERENCE_ID) or headers.get(REQUEST_ID) or b"").decode("latin-1")
    return given if _is_visible(given, MAXIMUM_ID) else None


def _is_visible(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and all("\x20" <= character < "\x7f" for character in text)
