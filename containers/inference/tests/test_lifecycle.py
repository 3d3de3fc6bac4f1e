"""How the server starts and ends."""

import json
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from .servers import CONTAINER, StartServer, launch, picture


def test_ping_says_503_until_the_model_is_warm_and_term_ends_with_0(
    start_server: StartServer, model_folder: Path
) -> None:
    server = start_server(model_folder)
    seen = []
    while not seen or seen[-1] != 200:
        try:
            seen.append(server.client.get("/ping").status_code)
        except httpx.TransportError:
            assert server.process.poll() is None

    assert set(seen) == {503, 200}
    assert server.terminate() == 0


def test_a_request_before_the_model_is_there_waits_for_it(
    start_server: StartServer, model_folder: Path
) -> None:
    server = start_server(model_folder)
    while True:
        try:
            answer = server.post(picture())
            break
        except httpx.TransportError:
            assert server.process.poll() is None

    assert answer.json()["label"] == "bright"
    assert server.terminate() == 0


def test_a_request_whose_time_is_over_before_the_model_is_there_is_answered_503(
    start_server: StartServer, model_folder: Path
) -> None:
    server = start_server(model_folder, INFERENCE_REQUEST_SECONDS="0.1")
    while True:
        try:
            answer = server.post(picture())
            break
        except httpx.TransportError:
            assert server.process.poll() is None

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "loading" in answer.json()["error"]


def test_a_request_under_way_is_answered_before_term_ends_the_server(
    start_server: StartServer, model_folder: Path
) -> None:
    server = start_server(model_folder)
    server.wait_until_ready()
    body = picture(255)
    first_half_sent, go_on = threading.Event(), threading.Event()

    def slowly():  # type: ignore[no-untyped-def]
        yield body[:20]
        first_half_sent.set()
        go_on.wait()
        yield body[20:]

    answers = []
    client = threading.Thread(
        target=lambda: answers.append(
            server.client.post(
                "/invocations", content=slowly(), headers={"content-type": "image/png"}
            )
        )
    )
    client.start()
    first_half_sent.wait()
    # An answered ping shows that the server has taken the request that came before.
    with httpx.Client(base_url=server.client.base_url, trust_env=False) as other:
        assert other.get("/ping").status_code == 200
    server.process.terminate()
    while not any(line["message"] == "Shutting down" for line in server.log_lines()):
        assert server.process.poll() is None
    go_on.set()
    client.join()

    assert answers[0].json()["label"] == "bright"
    assert server.process.wait(60) == 0


def refusal(folder: Path, tmp_path: Path) -> str:
    """What a server that ends with 1 says last, log lines aside."""
    server = launch(folder, tmp_path / "log")
    try:
        assert server.process.wait(120) == 1
    finally:
        server.process.kill()
        server.client.close()
    text = [line for line in server.log.read_text().splitlines() if not line.startswith("{")]
    assert "Traceback" not in server.log.read_text()
    return text[-1]


def test_a_folder_that_is_not_there_ends_with_one_sentence(tmp_path: Path) -> None:
    said = refusal(tmp_path / "nothing", tmp_path)

    assert "model.json cannot be read (No such file or directory)" in said


def test_a_model_json_that_is_no_json_ends_with_one_sentence(folder: Path, tmp_path: Path) -> None:
    (folder / "model.json").write_text("{")

    assert "is no JSON" in refusal(folder, tmp_path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("schema", 2),
        ("image_size", 0),
        ("image_size", "8"),
        ("labels", []),
        ("labels", ["a", "a"]),
        ("labels", "ab"),
    ],
)
def test_a_model_json_that_cannot_be_ends_with_one_sentence(
    folder: Path, tmp_path: Path, field: str, value: object
) -> None:
    change(folder, field, value)

    assert f"{field} {value!r}" in refusal(folder, tmp_path)


def test_a_folder_without_saved_model_ends_with_one_sentence(folder: Path, tmp_path: Path) -> None:
    shutil.rmtree(folder / "saved_model")

    assert "holds no saved_model.pb" in refusal(folder, tmp_path)


def test_a_damaged_saved_model_ends_with_one_sentence(folder: Path, tmp_path: Path) -> None:
    (folder / "saved_model/saved_model.pb").write_bytes(b"damaged")

    assert "is no SavedModel" in refusal(folder, tmp_path)


def test_labels_that_do_not_fit_the_model_end_with_one_sentence(
    folder: Path, tmp_path: Path
) -> None:
    change(folder, "labels", ["a", "b", "c"])

    assert "3 labels" in refusal(folder, tmp_path)


def test_an_image_size_that_does_not_fit_the_model_ends_with_one_sentence(
    folder: Path, tmp_path: Path
) -> None:
    change(folder, "image_size", 9)

    assert "images of 9 pixels square" in refusal(folder, tmp_path)


def change(folder: Path, field: str, value: object) -> None:
    description = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**description, field: value}))


def test_a_taken_port_ends_the_server_and_says_so(model_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = run_serve(model_folder, str(taken.getsockname()[1]))

    assert ended.returncode != 0
    assert "ddress already in use" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_port_that_is_none_ends_with_one_sentence(model_folder: Path) -> None:
    ended = run_serve(model_folder, "http")

    assert ended.returncode == 1
    assert ended.stderr == (
        "SAGEMAKER_BIND_TO_PORT is 'http': give a whole number from 1 to 65535.\n"
    )


def run_serve(model: Path, port: str) -> "subprocess.CompletedProcess[str]":
    import os

    return subprocess.run(
        [sys.executable, "-m", "inference", "serve", "--model", model, "--host", "127.0.0.1"],
        cwd=CONTAINER,
        env={**os.environ, "SAGEMAKER_BIND_TO_PORT": port},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
