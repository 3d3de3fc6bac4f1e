import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .servers import CONTAINER, SIZE, Server, StartServer, launch


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    # In a process of its own: TensorFlow's threads must not be in the one that starts servers.
    subprocess.run(
        [sys.executable, CONTAINER / "tests/make_model.py", folder, str(SIZE)], check=True
    )
    return folder


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    started: list[Server] = []

    def start(model: Path, port: int = 0, **variables: str) -> Server:
        server = launch(model, tmp_path_factory.mktemp("server") / "log", port, **variables)
        started.append(server)
        return server

    yield start
    for server in started:
        server.process.kill()
        server.process.wait()
        server.client.close()


@pytest.fixture(scope="session")
def server(start_server: StartServer, model_folder: Path) -> Server:
    server = start_server(model_folder)
    server.wait_until_ready()
    return server
