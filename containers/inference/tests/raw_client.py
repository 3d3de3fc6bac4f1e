"""HTTP as no well-behaved client speaks it: in pieces, half, broken off, malformed."""

import asyncio
import json
import random
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

HANGING = 60.0  # seconds after which no answer is expected any more


@dataclass(frozen=True)
class Response:
    """Header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """A connection to 127.0.0.1, opened when it is needed and again when the server closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, pieces: Sequence[bytes], pause: float = 0.0) -> Response | None:
        """Sends the pieces of a request, with a pause (seconds) after each, and reads the answer.

        None where the server closed the connection instead of answering, or none listens.
        """
        for _ in range(2):
            used = self._streams is not None
            try:
                reader, writer = await self._open()
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(pause)
                async with asyncio.timeout(HANGING):
                    response = await _read(reader)
            except (ConnectionError, asyncio.IncompleteReadError):
                response = None
            if response is None or response.headers.get("connection") == "close":
                self.close()
            # A connection that was used before may have been closed meanwhile: once more.
            if response is not None or not used:
                return response
        return None

    async def drop(self, request: bytes) -> None:
        """Sends what is given of a request and resets the connection without reading."""
        _, writer = await self._open()
        with suppress(ConnectionError):
            writer.write(request)
            await writer.drain()
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        return self._streams


async def _read(reader: asyncio.StreamReader) -> Response:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in head[1:] if line]
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Response(int(head[0].split()[1]), headers, body)


def request(body: bytes, content_type: str, method: str = "POST", **headers: str) -> bytes:
    """A whole request of /invocations."""
    given = {"host": "x", "content-type": content_type, "content-length": str(len(body))} | headers
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
    return f"{method} /invocations HTTP/1.1\r\n{lines}\r\n".encode() + body


def chunked(body: bytes, content_type: str, numbers: random.Random) -> bytes:
    """The same, its length not said before, in chunks of any size (RFC 9112, 7.1)."""
    head = f"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type}\r\n"
    parts = [head.encode(), b"transfer-encoding: chunked\r\n\r\n"]
    while body:
        size = numbers.randint(1, len(body))
        parts.append(b"%x\r\n%s\r\n" % (size, body[:size]))
        body = body[size:]
    return b"".join([*parts, b"0\r\n\r\n"])
