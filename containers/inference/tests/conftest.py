import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .servers import (
    CONTAINER,
    PICTURE_SIZES,
    SIZE,
    TRAINING_PATHS,
    TRAINING_PYTHON,
    Server,
    StartServer,
    launch,
)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """What make_models.py writes, made once for all processes of a run."""
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent
    folder = shared / "models"
    with (shared / "models.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            program = CONTAINER / "tests/make_models.py"
            variables = os.environ | {"PYTHONPATH": TRAINING_PATHS}
            sizes = map(str, (SIZE, *PICTURE_SIZES))
            subprocess.run(
                [TRAINING_PYTHON, program, shared / "made", *sizes], check=True, env=variables
            )
            (shared / "made").rename(folder)
    return folder


@pytest.fixture(scope="session")
def model_folder(models: Path) -> Path:
    return models / "tiny"


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
