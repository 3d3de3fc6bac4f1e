"""One serving process: uvicorn on a socket that its supervisor holds open.

uvicorn itself limits neither the size nor the time of a request's head, and neither a connection
that never sends one: `Connection` does.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from inference.application import application
from inference.logs import log_config
from inference.model import UnusableModelError, read_artifact
from inference.service import Service
from inference.settings import Settings, read_settings
from inference.supervisor import BACKLOG, UNUSABLE
from preprocessing.decoder_process import end_with_parent

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
        """Refuses and closes where a head or a body takes too long by the event loop's clock."""
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


logger = logging.getLogger("inference")

# SageMaker sends KILL 30 s after TERM.
# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
SHUTDOWN_SECONDS = 25


def serve(folder: Path, listening: socket.socket, settings: Settings) -> int:
    """Serves until TERM; gives the exit status.

    Raises:
        UnusableModelError: the model cannot be served.
    """
    failures: list[Exception] = []

    def ended(error: Exception) -> None:
        failures.append(error)
        server.should_exit = True

    service = Service(read_artifact(folder), settings, ended)
    connections = Connections(settings.connections, settings.read_seconds)
    protocol: Any = partial(Connection, connections)
    server = Server(
        uvicorn.Config(
            application(service),
            http=protocol,
            ws="none",
            lifespan="on",
            log_config=log_config(),
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
    )
    server.connections = connections
    server.run(sockets=[listening])
    if failures:
        raise failures[0]
    return 0


class Server(uvicorn.Server):
    """uvicorn's, with a look at its connections every second."""

    connections: Connections

    async def on_tick(self, counter: int) -> bool:
        """Ends slow connections once a second; uvicorn calls it ten times as often."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.connections.open):
                connection.end_if_slow(now)
        return await super().on_tick(counter)


def main() -> int:
    """Serves on the socket that the supervisor passed; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m inference.worker")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--socket", type=int, required=True, help="descriptor of the listening one")
    parser.add_argument("--supervisor", type=int, required=True, help="process id")
    arguments = parser.parse_args()
    # A worker without its supervisor would keep the port.
    end_with_parent()
    if os.getppid() != arguments.supervisor:
        sys.exit("The supervisor is gone.")
    # uvicorn raises the signal that stopped it again when it is done; and TERM may come before.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    try:
        return serve(arguments.model, socket.socket(fileno=arguments.socket), read_settings())
    except UnusableModelError as error:
        print(error, file=sys.stderr, flush=True)
        return UNUSABLE


if __name__ == "__main__":
    sys.exit(main())
