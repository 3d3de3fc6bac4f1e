"""A real server process, with a real, tiny SavedModel, on a free port."""

import functools
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from PIL import Image

CONTAINER = Path(__file__).resolve().parents[1]
# Of the training image's environment: TensorFlow, which makes models and is not in this image.
TRAINING_PYTHON = os.environ.get("TRAINING_PYTHON", sys.executable)
TRAINING_PATHS = os.pathsep.join([str(CONTAINER.parent / "training"), str(CONTAINER.parent)])
SIZE = 8
# Of further models, of which only the golden pictures are made.
PICTURE_SIZES = (8, 33, 224)


@dataclass
class Server:
    """A server process and an HTTP client for it."""

    process: "subprocess.Popen[bytes]"
    client: httpx.Client
    log: Path

    @property
    def port(self) -> int:
        return int(self.client.base_url.port or 0)

    def wait_until_ready(self) -> None:
        while self.process.poll() is None:
            try:
                if self.client.get("/ping").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        pytest.fail(f"The server ended before it was ready: {self.log.read_text()}")

    def post(self, body: bytes, content_type: str = "image/png", **headers: str) -> httpx.Response:
        return self.client.post(
            "/invocations", content=body, headers={"content-type": content_type, **headers}
        )

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def log_lines(self) -> list[dict[str, object]]:
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


StartServer = Callable[..., Server]
"""From the model folder, and what `launch` takes beside it."""


def launch(
    model: Path, log: Path, port: int = 0, program: Path = CONTAINER, **variables: str
) -> Server:
    """Args:
    port: 0 for any free one.
    program: the folder that holds the package.
    variables: the container's environment variables.
    """
    port = port or free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "inference", "serve", "--model", model, "--host", "127.0.0.1"],
            cwd=program,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(program), os.environ.get("PYTHONPATH", "")]),
                "PYTHONUNBUFFERED": "1",
                "SAGEMAKER_BIND_TO_PORT": str(port),
                **variables,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False)
    return Server(process, client, log)


@functools.cache
def by_tensorflow() -> dict[str, str]:
    """Variables of a server that has TensorFlow, as the GPU image has."""
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([TRAINING_PYTHON, "-c", ask], check=True, capture_output=True, text=True)
    paths = [str(CONTAINER), os.environ.get("PYTHONPATH", ""), done.stdout.strip()]
    return {"INFERENCE_RUNTIME": "tensorflow", "PYTHONPATH": os.pathsep.join(paths)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def picture(grey: int = 255, kind: str = "PNG", size: tuple[int, int] = (SIZE, SIZE)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (grey, grey, grey)).save(file, kind)
    return file.getvalue()
