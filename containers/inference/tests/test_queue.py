"""Batches, a queue that can be full, deadlines, and draining: with a model that takes its time."""

import asyncio
import io
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

from inference.batcher import Batcher
from inference.metrics import Metrics
from inference.questions import Question
from inference.request import Refusal
from inference.settings import Settings

from .servers import SIZE, Server, StartServer, picture


@pytest.fixture(scope="module")
def slow_model(models: Path) -> Path:
    return models / "slow"


@pytest.fixture(scope="module")
def busy(start_server: StartServer, slow_model: Path) -> Server:
    """A server of one thread with room for four images."""
    server = start_server(
        slow_model,
        INFERENCE_THREADS="1",
        INFERENCE_BATCH_SIZE="4",
        INFERENCE_QUEUE_LENGTH="4",
        INFERENCE_METRICS_SECONDS="0.5",
    )
    server.wait_until_ready()
    return server


def ask_all(server: Server, count: int) -> list[httpx.Response]:
    """Asks from as many connections at once."""

    def ask(number: int) -> httpx.Response:
        with httpx.Client(base_url=server.client.base_url, timeout=60, trust_env=False) as client:
            return client.post(
                "/invocations",
                content=picture(255 * (number % 2)),
                headers={"content-type": "image/png"},
            )

    with ThreadPoolExecutor(count) as clients:
        return list(clients.map(ask, range(count)))


def metrics(server: Server) -> list[dict]:
    return [line for line in server.log_lines() if line["message"] == "metrics"]


def test_a_full_queue_is_answered_429_and_the_rest_rightly(busy: Server) -> None:
    answers = ask_all(busy, 24)

    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert all(answer.headers["retry-after"] == "1" for answer in refused)
    assert all("4 is the limit" in answer.json()["error"] for answer in refused)
    for number, answer in enumerate(answers):
        if answer.status_code != 429:
            assert answer.json()["label"] == ("bright" if number % 2 else "dark")
    assert any(answer.status_code == 200 for answer in answers)


def test_images_that_wait_together_are_answered_together(busy: Server) -> None:
    ask_all(busy, 5)
    ask_all(busy, 5)
    while not metrics(busy):
        time.sleep(0.1)

    assert max(line.get("batch_size_max", 0) for line in metrics(busy)) > 1


def test_the_metrics_line_says_how_the_last_seconds_were(
    start_server: StartServer, model_folder: Path
) -> None:
    server = start_server(model_folder, INFERENCE_METRICS_SECONDS="0.5")
    server.wait_until_ready()
    confidence = server.post(picture(255)).json()["probability"]
    server.post(b"no image")
    while sum(line["requests"] for line in metrics(server)) < 2:
        time.sleep(0.1)

    lines = metrics(server)
    assert sum(line["answers"] for line in lines) == 1
    assert all(line["server_errors"] == 0 for line in lines)
    (line,) = [line for line in lines if line["answers"]]
    assert line["mean_confidence"] == pytest.approx(confidence, abs=1e-5)
    assert (line["batch_size_mean"], line["queue_depth_max"]) == (1, 1)
    stages = line["milliseconds"]
    assert list(stages) == ["read", "decode", "queue", "model", "total"]
    assert all(0 <= each["p50"] <= each["p99"] for each in stages.values())
    assert stages["model"]["p50"] <= stages["total"]["p99"]


def test_a_server_without_traffic_logs_no_metrics(
    start_server: StartServer, model_folder: Path
) -> None:
    server = start_server(model_folder, INFERENCE_METRICS_SECONDS="0.1")
    server.wait_until_ready()
    # Several windows have passed when these were answered.
    for _ in range(5):
        assert server.client.get("/ping").status_code == 200
        time.sleep(0.1)

    assert server.terminate() == 0
    assert not metrics(server)


def test_a_request_that_waits_past_its_deadline_is_answered_429(
    start_server: StartServer, model_folder: Path
) -> None:
    # A model that is quick on a busy machine, too, and more images than it can answer.
    server = start_server(
        model_folder,
        INFERENCE_THREADS="1",
        INFERENCE_BATCH_SIZE="1",
        INFERENCE_REQUEST_SECONDS="3",
        INFERENCE_IMAGES_PER_REQUEST="80000",
        INFERENCE_BODY_MEGABYTES="16",
    )
    server.wait_until_ready()
    file = io.BytesIO()
    np.save(file, np.zeros((80_000, SIZE, SIZE, 3), np.uint8))

    answer = server.post(file.getvalue(), "application/x-npy")

    assert answer.status_code == 429
    assert "no answer within 3 s, as others wait" in answer.json()["error"]
    assert answer.headers["retry-after"] == "1"
    # What nobody waits for any more is not computed: the next one need not wait for the rest.
    assert server.post(picture(255)).json()["label"] == "bright"


def test_a_model_that_does_not_answer_in_time_is_answered_503() -> None:
    async def ask() -> Question:
        batcher = Batcher(Settings(request_seconds=0.4, threads=1), SIZE, Metrics(1.0))
        sweep = asyncio.create_task(batcher.sweep())
        model = SlowModel()
        await asyncio.to_thread(batcher.start, model)
        model.seconds = 2.0
        try:
            image = np.zeros((SIZE, SIZE, 3), np.uint8)
            return await batcher.ask([image], time.monotonic() + 0.4)
        finally:
            sweep.cancel()
            batcher.close()

    with pytest.raises(Refusal, match="as the model is slow") as refused:
        asyncio.run(ask())
    assert refused.value.status == 503


class SlowModel:
    """Answers after so many seconds."""

    runtime = "openvino"
    seconds = 0.0

    def session(self):
        def answer(images: np.ndarray) -> np.ndarray:
            time.sleep(self.seconds)
            return np.ones((len(images), 1), np.float32)

        return answer


def test_term_answers_what_is_in_the_queue(start_server: StartServer, slow_model: Path) -> None:
    server = start_server(slow_model, INFERENCE_THREADS="1", INFERENCE_BATCH_SIZE="1")
    server.wait_until_ready()
    with ThreadPoolExecutor(1) as background:
        asked = background.submit(ask_all, server, 8)
        while not any(line["message"] == "request" for line in server.log_lines()):
            assert server.process.poll() is None
        code = server.terminate()
        answers = asked.result()

    assert code == 0
    assert [answer.status_code for answer in answers] == [200] * 8
