"""A rehearsal's server as a process of its own, and unmodified boto3 clients on it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from rehearsal.modes import Modes

REPOSITORY = Path(__file__).resolve().parents[2]
FAKE_SERVER = Path(__file__).parent / "fake_server.py"
ROLE = "arn:aws:iam::000000000000:role/tests"


class Server:
    """A server whose jobs and model servers are small fakes; the rest is the real thing.

    Attributes:
        program: what the process runs, with the state's folder, the port and the modes' flags.
        modes: in what it is less kind.
        enforce_iam: by the program's flag.
    """

    def __init__(
        self,
        state: Path,
        port: int | None = None,
        *,
        program: Path = FAKE_SERVER,
        modes: Modes | None = None,
        enforce_iam: bool = False,
    ) -> None:
        self.state = state
        self.port = port or free_port()
        self._command = [sys.executable, str(program), str(state), str(self.port)]
        self._command += (modes or Modes()).flags()
        self._command += ["--enforce-iam"] if enforce_iam else []
        self.process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, Any] = {}

    def start(self) -> Server:
        self.state.mkdir(parents=True, exist_ok=True)
        with (self.state / "test.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                cwd=self.state,
                env={
                    "PATH": "/usr/bin:/bin",
                    "HOME": str(self.state),
                    "PYTHONPATH": str(REPOSITORY),
                },
                stdout=log,
                stderr=log,
            )
        eventually(self._is_ready, (self.state / "test.log").read_text)
        return self

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.state / "test.log").read_text()
        place = self.state / "environment.json"
        return place.exists() and json.loads(place.read_text())["pid"] == self.process.pid

    @property
    def proc(self) -> Path:
        assert self.process is not None
        return Path("/proc") / str(self.process.pid)

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=60)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.session.Session(region_name="us-east-1").client(
                service,
                endpoint_url=f"http://127.0.0.1:{self.port}",
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"max_attempts": 0}, read_timeout=60),
            )
        return self._clients[service]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(
    holds: Callable[[], Any], shown: Callable[[], Any] = lambda: "", seconds: float = 60
) -> Any:
    """What `holds` gives as soon as it gives something."""
    ends = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > ends:
            pytest.fail(f"It never came: {shown()}")
        time.sleep(0.05)
    return found


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("server")).start()
    yield started
    started.end()


@pytest.fixture
def s3(server: Server, name: str) -> Any:
    """A client, and a bucket of the test's own `name`."""
    client = server.client("s3")
    client.create_bucket(Bucket=name)
    return client


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server that a test may stop and start."""
    started = Server(tmp_path / "state").start()
    yield started
    if started.process is not None and started.process.poll() is None:
        started.end()


@pytest.fixture
def sagemaker(server: Server) -> Any:
    return server.client("sagemaker")
