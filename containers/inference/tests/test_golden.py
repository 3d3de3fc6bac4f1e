"""A model that does not answer as training said is not served."""

import asyncio
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from inference.golden import GoldenRequest, check_golden, check_pictures, read_picture
from inference.model import UnusableModelError

from .servers import PICTURE_SIZES, StartServer, by_tensorflow, launch


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
    assert "training's said 'dark'" in said


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
        {"schema": 3},
        {"pictures": [{"content_type": "image/png", "body": ""}]},
        {"pictures": [{"content_type": "image/png", "body": "", "fields": [[1, 2, 3]]}]},
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


def test_a_file_of_a_release_before_is_served(folder: Path, start_server: StartServer) -> None:
    content = json.loads((folder / "golden.json").read_text())
    del content["pictures"]
    (folder / "golden.json").write_text(json.dumps(content | {"schema": 1}))

    server = start_server(folder)
    server.wait_until_ready()


@pytest.mark.parametrize("number", [0, 1])
def test_other_pixels_of_a_picture_than_training_knows_are_refused(
    folder: Path, tmp_path: Path, number: int
) -> None:
    pictures = json.loads((folder / "golden.json").read_text())["pictures"]
    # As if colours were read in another order.
    pictures[number]["fields"] = [
        [each[::-1] for each in row] for row in pictures[number]["fields"]
    ]
    change(folder, "golden.json", pictures=pictures)

    said = refusal(folder, tmp_path)
    assert f"golden picture {number + 1} of 2" in said
    assert "undo what was changed in preprocess" in said


def crop(image: Image.Image, size: int) -> Image.Image:
    return ImageOps.fit(image, (size, size))


def pad(image: Image.Image, size: int) -> Image.Image:
    return ImageOps.pad(image, (size, size))


def skip(image: Image.Image, size: int) -> Image.Image:
    return image.resize((size, size), Image.Resampling.NEAREST)


def whole(image: Image.Image, size: int) -> Image.Image:
    return image.resize((size, size), Image.Resampling.BOX)


def on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


@pytest.mark.parametrize("size", PICTURE_SIZES)
@pytest.mark.parametrize(
    ("upright", "flat", "fit", "right"),
    [
        (ImageOps.exif_transpose, on_white, whole, True),
        (lambda image: image, on_white, whole, False),
        (ImageOps.exif_transpose, lambda image: image.convert("RGB"), whole, False),
        (ImageOps.exif_transpose, on_white, crop, False),
        (ImageOps.exif_transpose, on_white, pad, False),
        (ImageOps.exif_transpose, on_white, skip, False),
    ],
    ids=["right", "EXIF", "transparency", "crop", "pad", "antialiasing"],
)
def test_pictures_tell_any_other_preprocessing(
    models: Path, size: int, upright, flat, fit, right: bool
) -> None:
    def preprocess(file: bytes) -> np.ndarray:
        image = Image.open(io.BytesIO(file))
        return np.asarray(fit(flat(upright(image)), size))

    written = json.loads((models / f"pictures-{size}.json").read_text())
    pictures = [read_picture(each) for each in written]
    if right:
        check_pictures(pictures, preprocess)
    else:
        with pytest.raises(UnusableModelError, match="undo what was changed in preprocess"):
            check_pictures(pictures, preprocess)


def answered(expected: np.ndarray, answer: np.ndarray) -> None:
    labels = [str(number) for number in range(len(expected))]
    request = GoldenRequest("image/png", b"", labels[int(expected.argmax())], expected)

    async def ask(_: GoldenRequest) -> np.ndarray:
        return answer

    asyncio.run(check_golden([request], labels, ask))


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max())
    return (powers / powers.sum()).astype(np.float32)


@pytest.mark.parametrize("spread", [0.1, 1.0, 20.0])
@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_another_order_of_classes_is_refused_and_another_rounding_is_not(
    classes: int, spread: float
) -> None:
    random = np.random.default_rng(1)
    for _ in range(20):
        logits = random.permutation(np.linspace(-spread, spread, classes))
        # Forty times what OpenVINO and TensorFlow were seen apart.
        answered(softmax(logits), softmax(logits + random.normal(0, 1e-3, classes)))
        with pytest.raises(UnusableModelError, match="golden request 1 of 1"):
            answered(softmax(logits), softmax(logits[::-1]))


def test_an_answer_that_is_not_finite_is_refused() -> None:
    with pytest.raises(UnusableModelError, match="golden request 1 of 1"):
        answered(np.float32([0.5, 0.5]), np.float32([np.nan, 0.5]))


@pytest.mark.parametrize("runtime", ["openvino", "tensorflow"])
def test_a_model_whose_weights_are_no_numbers_is_refused(
    folder: Path, tmp_path: Path, models: Path, runtime: str
) -> None:
    shutil.rmtree(folder / "saved_model")
    shutil.copytree(models / "broken" / "saved_model", folder / "saved_model")

    variables = by_tensorflow() if runtime == "tensorflow" else {}
    said = refusal(folder, tmp_path, **variables)
    assert "answers a blank image with numbers that are not finite" in said
