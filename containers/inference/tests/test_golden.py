"""A model that does not answer as training said is not served."""

import json
import shutil
from pathlib import Path

import pytest

from .servers import launch


def refusal(folder: Path, tmp_path: Path, **variables: str) -> str:
    """The one sentence of a server that ends with 1."""
    server = launch(folder, tmp_path / "log", **variables)
    try:
        assert server.process.wait(120) == 1
    finally:
        server.process.kill()
        server.client.close()
    log = server.log.read_text()
    assert "Traceback" not in log
    # TensorFlow's own lines come first.
    return [line for line in log.splitlines() if not line.startswith("{")][-1]


def change(folder: Path, name: str, **fields: object) -> None:
    content = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(content | fields))


def requests(folder: Path) -> list[dict]:
    return json.loads((folder / "golden.json").read_text())["requests"]


def test_a_folder_without_golden_requests_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "golden.json").unlink()

    assert "golden.json cannot be read (No such file or directory)" in refusal(folder, tmp_path)


def test_a_model_with_its_labels_in_another_order_is_refused(folder: Path, tmp_path: Path) -> None:
    change(folder, "model.json", labels=["bright", "dark"])

    said = refusal(folder, tmp_path)
    assert "golden request 1 of 4" in said
    assert "with 'bright'" in said
    assert "training's, which said 'dark'" in said


def test_probabilities_beyond_the_tolerance_are_refused(folder: Path, tmp_path: Path) -> None:
    golden = requests(folder)
    golden[2]["probabilities"] = [each + 0.01 for each in golden[2]["probabilities"]]
    change(folder, "golden.json", requests=golden)

    assert "golden request 3 of 4" in refusal(folder, tmp_path)


def test_a_golden_image_that_is_broken_is_refused(folder: Path, tmp_path: Path) -> None:
    golden = requests(folder)
    golden[1]["body"] = golden[1]["body"][:40]
    change(folder, "golden.json", requests=golden)

    assert "fails on golden request 2 of 4" in refusal(folder, tmp_path)


@pytest.mark.parametrize(
    "fields",
    [
        {"schema": 2},
        {"requests": []},
        {"requests": [{"content_type": "image/png"}]},
        {"requests": [{"content_type": "", "body": "", "label": "dark", "probabilities": [1]}]},
        {"requests": [{"content_type": "", "body": "", "label": "x", "probabilities": [1, 0]}]},
        {"requests": "text"},
    ],
)
def test_a_golden_file_of_another_kind_is_refused(
    folder: Path, tmp_path: Path, fields: dict
) -> None:
    change(folder, "golden.json", **fields)

    assert "does not hold golden requests for the labels" in refusal(folder, tmp_path)


@pytest.mark.parametrize("runtime", ["openvino", "tensorflow"])
def test_a_model_whose_weights_are_no_numbers_is_refused(
    folder: Path, tmp_path: Path, make_model, runtime: str
) -> None:
    shutil.rmtree(folder / "saved_model")
    shutil.copytree(make_model("broken") / "saved_model", folder / "saved_model")

    said = refusal(folder, tmp_path, INFERENCE_RUNTIME=runtime)
    assert "answers a blank image with numbers that are not finite" in said
