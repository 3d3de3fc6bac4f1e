"""Golden requests: what the archive holds for a server to prove itself with."""

import base64
import io
import json
from collections import Counter

import keras
import numpy as np
import pytest
import tensorflow as tf
from evaluations import by_brightness, record
from jobs import SIZE, share_of, write_files
from PIL import ExifTags, Image, ImageOps

from training.common.container import UserError
from training.export import export, golden_images, write_golden
from training.settings import Settings

LABELS = ["dark", "grey", "light"]
LEVELS = (40, 120, 200)


@pytest.fixture(scope="module")
def model():
    return by_brightness(LEVELS)


def channel(folder, classes):
    """One record for each class, of its brightness and with noise that differs."""
    random = np.random.default_rng(5)
    examples = []
    for number, label in enumerate(classes):
        noise = random.integers(-9, 9, [SIZE, SIZE, 3]) + LEVELS[label]
        made = record(noise.astype(np.uint8), label, f"drop/{label}/{number}.png")
        examples.append((made, label))
    write_files(folder, [examples])
    return share_of(folder)


def golden(folder, model, share):
    export(model, LABELS, Settings(image_size=SIZE), folder)
    write_golden(folder, LABELS, golden_images(share, len(LABELS)), SIZE)
    return json.loads((folder / "golden.json").read_text())


def test_the_images_are_of_different_classes_where_the_channel_has_them(tmp_path, model):
    share = channel(tmp_path / "records", [0] * 20 + [1] * 20 + [2])

    requests = golden(tmp_path / "model", model, share)["requests"]

    assert Counter(request["label"] for request in requests) == {"dark": 4, "grey": 3, "light": 1}


def test_a_channel_of_few_images_gives_them_all(tmp_path, model):
    share = channel(tmp_path / "records", [2, 0])

    requests = golden(tmp_path / "model", model, share)["requests"]

    assert [request["label"] for request in requests] == ["dark", "light"]


def test_the_answers_are_the_saved_models_own_for_the_pixels_in_the_requests(tmp_path, model):
    share = channel(tmp_path / "records", [0, 1, 2] * 5)
    written = golden(tmp_path / "model", model, share)
    signature = tf.saved_model.load(str(tmp_path / "model/saved_model"))
    ask = signature.signatures["serving_default"]

    assert written["schema"] == 2
    assert len(written["requests"]) == 8
    for request in written["requests"]:
        assert request["content_type"] == "image/png"
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(request["body"]))))
        assert pixels.shape == (SIZE, SIZE, 3)
        answer = ask(images=tf.constant(pixels[None]))["probabilities"].numpy()[0]
        assert request["probabilities"] == pytest.approx(answer.tolist(), abs=1e-6)
        assert request["label"] == LABELS[answer.argmax()]


def test_the_same_channel_gives_the_same_file(tmp_path, model):
    share = channel(tmp_path / "records", [0, 1, 2] * 5)

    assert golden(tmp_path / "one", model, share) == golden(tmp_path / "other", model, share)


def test_pictures_are_turned_by_exif_lie_on_white_and_average_to_their_fields(tmp_path, model):
    pictures = golden(tmp_path / "model", model, channel(tmp_path / "records", [0, 1]))["pictures"]

    jpeg, png = (Image.open(io.BytesIO(base64.b64decode(each["body"]))) for each in pictures)
    assert [each["content_type"] for each in pictures] == ["image/jpeg", "image/png"]
    assert (jpeg.format, jpeg.getexif()[ExifTags.Base.Orientation]) == ("JPEG", 6)
    assert jpeg.width > jpeg.height > 2 * SIZE
    on_white = Image.alpha_composite(Image.new("RGBA", png.size, "white"), png)
    assert (np.asarray(png)[..., 3] == 0).any()
    for picture, image in zip(pictures, (ImageOps.exif_transpose(jpeg), on_white), strict=True):
        fields = np.array(picture["fields"])
        small = image.convert("RGB").resize(fields.shape[1::-1], Image.Resampling.BOX)
        assert np.abs(np.asarray(small).astype(int) - fields).max() <= 2


def test_a_model_whose_numbers_are_not_finite_is_refused_with_one_sentence(tmp_path):
    images = keras.Input([SIZE, SIZE, 3])
    dense = keras.layers.Dense(3)
    broken = keras.Model(images, dense(keras.layers.Flatten()(images)))
    dense.set_weights([np.full([SIZE * SIZE * 3, 3], np.nan), np.zeros(3)])
    share = channel(tmp_path / "records", [0, 1])

    with pytest.raises(UserError, match="not finite: train it again"):
        golden(tmp_path / "model", broken, share)
