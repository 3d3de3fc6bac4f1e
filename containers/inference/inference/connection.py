"""uvicorn's connection, with limits for clients that are slow or endless.

uvicorn itself limits neither the size nor the time of a request's head, and neither a connection
that never sends one.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from inference.settings import Settings

HEAD_BYTES = 64 * 1024
HEADERS = 100
# Longer than the caller's own, so that it is never the server that drops a connection just used.
KEEP_ALIVE_SECONDS = 75


@dataclass
class Connections:
    """All that are open.

    Attributes:
        most: how many may be.
        head_seconds: how long the first byte and the last one of a request's head may be apart.
    """

    most: int
    head_seconds: float
    open: "set[Connection]" = field(default_factory=set)

    def end_slow_ones(self, now: float) -> None:
        """Ends connections whose head or body takes too long.

        Args:
            now: the event loop's time, in seconds.
        """
        for connection in list(self.open):
            connection.end_if_slow(now)


class Connection(HttpToolsProtocol):
    """Refuses with a sentence and closes where a limit is passed."""

    def __init__(self, connections: Connections, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._connections = connections
        self._head_bytes = 0
        self._reading_head = True
        self._head_since: float | None = None
        self._message_since: float | None = None
        self._began = False

    def connection_made(self, transport: Any) -> None:
        """Counts it among the open ones."""
        super().connection_made(transport)
        self._made = self.loop.time()
        self._connections.open.add(self)
        if len(self._connections.open) > self._connections.most:
            self._refuse("429 Too Many Requests", "There are too many connections.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Takes it from the open ones."""
        super().connection_lost(exc)
        self._connections.open.discard(self)

    def data_received(self, data: bytes) -> None:
        """Notes when a request's head begins."""
        if self._reading_head and self._head_since is None:
            self._head_since = self.loop.time()
        super().data_received(data)
        if self._reading_head:
            self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES or len(self.headers or ()) > HEADERS:
            self._refuse(
                "431 Request Header Fields Too Large",
                f"A head has at most {HEAD_BYTES} bytes and {HEADERS} fields.",
            )

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._reading_head = self._began = True
        self._message_since = self.loop.time()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._reading_head = False
        self._head_bytes = 0
        self._head_since = None
        if len(self.headers) <= HEADERS:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is whole."""
        self._message_since = None
        super().on_message_complete()

    def end_if_slow(self, now: float) -> None:
        """Refuses and closes where a head or a body takes too long.

        Args:
            now: of the event loop's clock, in seconds.
        """
        if self._head_since is not None:
            if now - self._head_since > self._connections.head_seconds:
                seconds = self._connections.head_seconds
                self._refuse("408 Request Timeout", f"The head was not here after {seconds:g} s.")
        elif self._message_since is not None and self.cycle.response_complete:
            # It was answered before its body was here, and may take as long again to send the rest.
            if now - self._message_since > 2 * self._connections.head_seconds:
                self.transport.close()
        elif not self._began and now - self._made > KEEP_ALIVE_SECONDS:
            self.transport.close()

    def _refuse(self, status: str, sentence: str) -> None:
        if self.transport.is_closing():
            return
        body = b'{"error":"%s"}' % sentence.encode()
        self.transport.write(
            b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%s" % (status.encode(), len(body), body)
        )
        self.transport.close()


def connection_class(settings: Settings) -> tuple[Connections, Any]:
    """The connections, and what uvicorn makes each of."""
    connections = Connections(settings.connections, settings.read_seconds)
    return connections, partial(Connection, connections)
