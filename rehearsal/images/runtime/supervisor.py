"""Runs a group of containers: `python -m rehearsal.images.runtime.supervisor SPEC`, first process
of its namespaces.

It reads lines on stdin: `stop` sends SIGTERM to every container, and SIGKILL after the grace time.
End of file means that the engine is gone: the supervisor ends, and the kernel ends all else in its
namespaces with it.

It writes JSON lines on stdout: `{"name": "algo-1", "line": "..."}` for each line of a container,
and last `{"exit_codes": {"algo-1": 0, ...}, "first_failed": "algo-1" | null, "lost": "algo-1" |
null}`. When one container fails, the others are stopped, as on AWS.

Killing the `unshare` process of a container stands for the loss of its instance: `lost` names the
first. The command's own death by a signal never does, as the container's first process outlives it.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from rehearsal.images.runtime import namespaces, spec

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


# CloudWatch Logs takes 256 KiB an event; a longer line is cut into several.
_LONGEST_LINE = 250_000


class _Supervisor:
    def __init__(self, path: Path):
        self._path = path
        self._group = spec.read(path)
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._exit_codes: dict[str, int] = {}
        self._first_failed: str | None = None
        self._lost: str | None = None
        self._stopping: asyncio.Task[None] | None = None

    async def run(self) -> None:
        if self._group.private_network:
            _lay_network(self._group.dead_interface)
        control = asyncio.create_task(self._obey())
        relay = self._group.relay
        serving = await serve(Path(relay.socket), relay.port) if relay else None
        for index, container in enumerate(self._group.containers):
            self._processes[container.name] = await self._start(index)
            if self._stopping:
                # It came up after the others were told.
                _tell_to_stop(self._processes[container.name])
                break
        await asyncio.gather(*(self._follow(name) for name in self._processes))
        _say(exit_codes=self._exit_codes, first_failed=self._first_failed, lost=self._lost)
        control.cancel()
        if serving:
            serving.close()

    async def _start(self, index: int) -> asyncio.subprocess.Process:
        module = namespaces.module(
            "rehearsal.images.runtime.container", str(self._path), str(index)
        )
        return await asyncio.create_subprocess_exec(
            *namespaces.container(),
            *module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def _follow(self, name: str) -> None:
        process = self._processes[name]
        assert process.stdout is not None  # noqa: S101 - narrows the type: it is a pipe
        await _pass_on(name, process.stdout)
        code = await process.wait()
        # `unshare` ends by the signal that ended the container's first process.
        self._exit_codes[name] = code if code >= 0 else 128 - code
        if code < 0 and self._stopping is None:
            self._lost = name
        if code != 0 and self._first_failed is None:
            self._first_failed = name
            self._stop()

    async def _obey(self) -> None:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        while line := await reader.readline():
            if line.strip() == b"stop":
                self._stop()
        os._exit(128 + signal.SIGKILL)

    def _stop(self) -> None:
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._terminate())

    async def _terminate(self) -> None:
        for process in self._processes.values():
            _tell_to_stop(process)
        await asyncio.sleep(self._group.grace_seconds)
        for process in self._processes.values():
            _kill(process)


def _tell_to_stop(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        with contextlib.suppress(ConnectionError):
            process.stdin.write(b"stop\n")


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    # A child that `unshare` has only just forked does not die with it: it reads its end here.
    if process.stdin is not None:
        process.stdin.close()


async def _pass_on(name: str, stream: asyncio.StreamReader) -> None:
    pending = b""
    while chunk := await stream.read(_CHUNK):
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            _say_line(name, line)
        while len(pending) > _LONGEST_LINE:
            _say_line(name, pending[:_LONGEST_LINE])
            pending = pending[_LONGEST_LINE:]
    if pending:
        _say_line(name, pending)


def _say_line(name: str, line: bytes) -> None:
    _say(name=name, line=line.rstrip(b"\r").decode(errors="replace"))


def _say(**message: object) -> None:
    print(json.dumps(message), flush=True)


def _lay_network(dead_interface: bool) -> None:
    namespaces.bring_up("lo")
    if not dead_interface:
        return
    try:
        namespaces.add_dead()
    except OSError as error:
        sys.exit(
            f"This machine gives a job no second network interface ({error.strerror}): load its "
            "kernel's module bridge, or leave --dead-interface out."
        )


if __name__ == "__main__":
    asyncio.run(_Supervisor(Path(sys.argv[1])).run())
