import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .servers import CONTAINER, SIZE, TRAINING_PATHS, TRAINING_PYTHON, Server, StartServer, launch


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the model folder of one of make_model.py's kinds, made once."""

    @functools.cache
    def make(kind: str) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        program = CONTAINER / "tests/make_model.py"
        variables = os.environ | {"PYTHONPATH": TRAINING_PATHS}
        subprocess.run(
            [TRAINING_PYTHON, program, folder, str(SIZE), kind], check=True, env=variables
        )
        return folder

    return make


@pytest.fixture(scope="session")
def model_folder(make_model: Callable[[str], Path]) -> Path:
    return make_model("tiny")


@pytest.fixture
def folder(model_folder: Path, tmp_path: Path) -> Path:
    """A copy of the model that a test may damage."""
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    started: list[Server] = []

    def start(model: Path, port: int = 0, program: Path = CONTAINER, **variables: str) -> Server:
        log = tmp_path_factory.mktemp("server") / "log"
        server = launch(model, log, port, program, **variables)
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
