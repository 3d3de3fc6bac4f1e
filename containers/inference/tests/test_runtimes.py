"""OpenVINO and TensorFlow give the same numbers; which one runs is a setting."""

import importlib.util
import io
import os
from pathlib import Path

import numpy as np
import pytest

from .servers import SIZE, StartServer, by_tensorflow


def probabilities(start_server: StartServer, model: Path, body: bytes, **variables: str):
    server = start_server(model, **variables)
    server.wait_until_ready()
    answer = server.post(body, "application/x-npy", accept="application/x-npy")
    (ready,) = [line for line in server.log_lines() if line["message"] == "ready"]
    server.terminate()
    return ready["runtime"], np.load(io.BytesIO(answer.content)), server


def test_both_runtimes_answer_alike(start_server: StartServer, model_folder: Path) -> None:
    images = np.random.default_rng(3).integers(0, 256, (64, SIZE, SIZE, 3)).astype(np.uint8)
    file = io.BytesIO()
    np.save(file, (images * np.linspace(0.2, 1, 64)[:, None, None, None]).astype(np.uint8))

    name, ours, _ = probabilities(start_server, model_folder, file.getvalue())
    reference, theirs, _ = probabilities(
        start_server, model_folder, file.getvalue(), **by_tensorflow()
    )

    assert (name, reference) == ("openvino", "tensorflow")
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_the_image_for_processors_holds_no_tensorflow(
    start_server: StartServer, model_folder: Path
) -> None:
    assert importlib.util.find_spec("tensorflow") is None

    server = start_server(model_folder, INFERENCE_RUNTIME="tensorflow")

    assert server.process.wait(60) == 1
    said = "and this image has openvino: build it with ACCELERATOR=gpu for TensorFlow"
    assert said in server.log.read_text()


def test_the_image_for_gpus_does_not_serve_without_one(
    start_server: StartServer, model_folder: Path, tmp_path: Path
) -> None:
    # As in that image, where it is not installed.
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *of: None if name == 'openvino' else find(name, *of)\n"
    )
    variables = by_tensorflow()
    paths = os.pathsep.join([str(tmp_path), variables["PYTHONPATH"]])

    server = start_server(model_folder, PYTHONPATH=paths, CUDA_VISIBLE_DEVICES="")

    assert server.process.wait(120) == 1
    assert "This image serves on GPUs, and TensorFlow sees none" in server.log.read_text()


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("INFERENCE_RUNTIME", "onnx", "INFERENCE_RUNTIME is 'onnx': give openvino or tensorflow."),
        ("INFERENCE_QUEUE_LENGTH", "0", "give a whole number from 1 to 1000000."),
        ("INFERENCE_REQUEST_SECONDS", "nan", "give a number from 0.1 to 3600."),
    ],
)
def test_a_setting_that_cannot_be_ends_with_one_sentence(
    start_server: StartServer, model_folder: Path, variable: str, value: str, reason: str
) -> None:
    server = start_server(model_folder, **{variable: value})

    assert server.process.wait(60) == 1
    assert server.log.read_text().rstrip().endswith(reason)
