"""The model gets the pixels that training's records have, whatever way an image comes."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from preprocessing import decode

from .servers import SIZE, Server, StartServer


@pytest.fixture(scope="module")
def mirror(start_server: StartServer, models: Path) -> Server:
    """A server whose model answers with its pixels."""
    server = start_server(models / "pixels")
    server.wait_until_ready()
    return server


def scene(width: int, height: int, mode: str = "RGB") -> Image.Image:
    random = np.random.default_rng(width)
    small = random.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


FILES = {
    "a JPEG of the model's size": ("image/jpeg", encoded(scene(SIZE, SIZE), "JPEG")),
    "a large JPEG": ("image/jpeg", encoded(scene(640, 480), "JPEG", quality=90)),
    "a progressive JPEG": ("image/jpeg", encoded(scene(300, 500), "JPEG", progressive=True)),
    "a turned JPEG": ("image/jpeg", encoded(scene(64, 90), "JPEG", exif=turned(6))),
    "a CMYK JPEG": ("image/jpeg", encoded(scene(60, 40, "CMYK"), "JPEG")),
    "a PNG": ("image/png", encoded(scene(123, 45), "PNG")),
    "a transparent PNG": ("image/png", encoded(scene(33, 44, "RGBA"), "PNG")),
    "a palette PNG": ("image/png", encoded(scene(50, 50, "P"), "PNG")),
    "a WebP": ("image/webp", encoded(scene(200, 100), "WEBP")),
    "a lossless WebP": ("image/webp", encoded(scene(31, 57), "WEBP", lossless=True)),
    "a tiny PNG": ("image/png", encoded(scene(3, 2), "PNG")),
}


def pixels(server: Server, body: bytes, content_type: str) -> np.ndarray:
    """What the model was given, uint8 [n, size, size, 3]."""
    answer = server.post(body, content_type, accept="application/x-npy")
    assert answer.status_code == 200
    probabilities = np.load(io.BytesIO(answer.content))
    return np.rint(probabilities * 255).astype(np.uint8).reshape(-1, SIZE, SIZE, 3)


@pytest.mark.parametrize("name", FILES)
def test_an_image_file_becomes_the_pixels_of_the_training_records(
    mirror: Server, name: str
) -> None:
    content_type, body = FILES[name]

    np.testing.assert_array_equal(pixels(mirror, body, content_type)[0], decode(body, SIZE))


def test_files_in_json_become_the_same_pixels(mirror: Server) -> None:
    files = [body for _, body in FILES.values()]
    body = json.dumps({"images": [base64.b64encode(each).decode() for each in files]}).encode()

    expected = np.stack([decode(each, SIZE) for each in files])
    np.testing.assert_array_equal(pixels(mirror, body, "application/json"), expected)


def test_an_array_of_the_models_size_stays_as_it_is(mirror: Server) -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, SIZE, SIZE, 3)).astype(np.uint8)
    file = io.BytesIO()
    np.save(file, images)

    np.testing.assert_array_equal(pixels(mirror, file.getvalue(), "application/x-npy"), images)


def test_an_array_of_a_decoded_picture_becomes_the_pixels_of_its_file(mirror: Server) -> None:
    picture = scene(90, 70)
    file = io.BytesIO()
    np.save(file, np.asarray(picture))

    expected = decode(encoded(picture, "PNG"), SIZE)
    np.testing.assert_array_equal(pixels(mirror, file.getvalue(), "application/x-npy")[0], expected)


def test_a_picture_that_is_decoded_on_the_side_comes_back_in_its_place(mirror: Server) -> None:
    # More than contents.LARGE_BYTES, so that it is decoded by a thread of its own.
    large = scene(30, 30).resize((1500, 1500), Image.Resampling.NEAREST)
    files = [encoded(large, "PNG"), FILES["a PNG"][1]]
    body = json.dumps({"images": [base64.b64encode(each).decode() for each in files]}).encode()

    expected = np.stack([decode(each, SIZE) for each in files])
    np.testing.assert_array_equal(pixels(mirror, body, "application/json"), expected)
