"""Bridges a Unix socket file, which crosses network namespaces, to a port of this one."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

_CHUNK = 65536


async def serve(path: Path, port: int) -> asyncio.Server:
    """Accepts connections at the socket file `path`; each becomes one to 127.0.0.1:`port`."""

    async def bridge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            # Nobody listens yet: the other side sees a connection that closes without an answer.
            writer.close()
            return
        await asyncio.gather(_pump(reader, back), _pump(there, writer))

    # A connection that finds the queue full fails at once, as those to Unix sockets don't wait.
    server = await asyncio.start_unix_server(bridge, path, backlog=1024)
    path.chmod(0o600)
    return server


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    # The end of one direction ends the other: HTTP has no use for half a connection.
    writer.close()
