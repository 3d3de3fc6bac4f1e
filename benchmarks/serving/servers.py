"""Servers that run on one core and rest while another is asked."""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.programs import REPOSITORY, BenchmarkError
from benchmarks.serving.kinds import Kind

PROC = Path("/proc")


@dataclass(frozen=True)
class Memory:
    """Bytes of a process tree.

    Attributes:
        resident: what each process holds, shared pages counted in each.
        proportional: shared pages divided among those that share them.
    """

    resident: int
    proportional: int


def tree(process: int) -> list[int]:
    """The process and all below it, those above first."""
    found = [process]
    for children in sorted(PROC.glob(f"{process}/task/*/children")):
        with suppress(OSError):
            for child in children.read_text().split():
                found += tree(int(child))
    return found


def send(process: int, number: signal.Signals) -> None:
    """A signal to the process and all below it."""
    for each in tree(process):
        with suppress(ProcessLookupError):
            os.kill(each, number)


def memory(process: int) -> Memory:
    """Of the process and all below it.

    https://docs.kernel.org/filesystems/proc.html (smaps_rollup)
    """
    resident = proportional = 0
    for each in tree(process):
        with suppress(OSError):
            for line in (PROC / str(each) / "smaps_rollup").read_text().splitlines():
                name, _, value = line.partition(":")
                if name == "Rss":
                    resident += int(value.split()[0]) * 1024
                elif name == "Pss":
                    proportional += int(value.split()[0]) * 1024
    return Memory(resident, proportional)


PATIENCE = 120.0  # seconds until a server must be ready


@dataclass(frozen=True)
class Place:
    """Where servers run: the folder of all that is written, and their core."""

    folder: Path
    core: int

    @property
    def model(self) -> Path:
        """The model folder."""
        return self.folder / "model"

    @property
    def photographs(self) -> Path:
        """JPEG files, in folders of classes."""
        return self.folder / "photographs"


@dataclass
class Server:
    """One that was ready after `cold_start` seconds, and is stopped but in `awake`."""

    kind: Kind
    port: int
    process: subprocess.Popen[bytes]
    cold_start: float = 0.0

    @property
    def url(self) -> str:
        """Where an image is sent."""
        return f"http://127.0.0.1:{self.port}{self.kind.path}"

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Lets it run: a stopped process takes nothing from the others' turns."""
        send(self.process.pid, signal.SIGCONT)
        try:
            yield
        finally:
            send(self.process.pid, signal.SIGSTOP)


@contextmanager
def started(kind: Kind, programs: Path, place: Place) -> Iterator[Server]:
    """Starts a server from its environment's `bin` folder, waits until it is ready, and ends it.

    Raises:
        BenchmarkError: it ended, or wasn't ready in time.
    """
    port = _free_ports()
    how = kind.start(programs, place.model, port)
    paths = how.variables.get("PYTHONPATH", f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'containers'}")
    log = place.folder / f"{kind.name}.log"
    began = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["taskset", "-c", str(place.core), *how.command],
            cwd=how.folder,
            env={**os.environ, **how.variables, "PYTHONPATH": paths, "DECODING": kind.decoding},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(kind, port, process)
    try:
        _wait(server, began, log)
        send(process.pid, signal.SIGSTOP)
        yield server
    finally:
        send(process.pid, signal.SIGKILL)
        process.wait()


def _wait(server: Server, began: float, log: Path) -> None:
    while not _ready(server):
        seconds = time.perf_counter() - began
        if server.process.poll() is not None or seconds > PATIENCE:
            tail = log.read_text(errors="replace")[-2000:]
            raise BenchmarkError(f"{server.kind.name} isn't ready after {seconds:.0f} s: {tail}")
        time.sleep(0.02)
    server.cold_start = time.perf_counter() - began


def _ready(server: Server) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", server.kind.ready)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_ports(count: int = 3) -> int:
    """The first of so many ports in a row that nobody listens on."""
    for first in range(20_000, 30_000, count):
        try:
            for port in range(first, first + count):
                socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return first
    raise BenchmarkError("No three free ports in a row were found on 127.0.0.1.")
