"""Writes the model as a SavedModel that takes the records' own pixels, and what lies beside it.

`golden.json` is what a server must prove before it takes traffic: images with the exported model's
own answers, and pictures with the colours that preprocessing must find in them.
"""

import base64
import json
import shutil
import struct
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from training.common.container import UserError
from training.data.batches import decoded
from training.data.channel import Share
from training.data.records import Reader
from training.settings import Settings


class Server(tf.Module):  # type: ignore[misc]
    """`serving_default`: images uint8 [n, size, size, 3] to probabilities float32 [n, classes].

    Scaling the pixels is part of it, as it is part of each network; how an image file becomes these
    pixels is `containers/preprocessing`, for training and serving alike.
    """

    def __init__(self, model: keras.Model, image_size: int) -> None:
        super().__init__()
        self.model = model
        images = tf.TensorSpec([None, image_size, image_size, 3], tf.uint8, name="images")
        self.serving_default = tf.function(self._predict, input_signature=[images], autograph=False)

    def _predict(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = self.model(tf.cast(images, tf.float32), training=False)
        return {"probabilities": tf.nn.softmax(logits)}


class Frozen(tf.Module):  # type: ignore[misc]
    """A server whose variables have become constants.

    Other runtimes than TensorFlow read the one graph that is left. OpenVINO 2026.4, for one, finds
    not every variable of a Keras model in a SavedModel's checkpoint.
    """

    def __init__(self, server: Server) -> None:
        super().__init__()
        concrete = server.serving_default.get_concrete_function()
        frozen = convert_variables_to_constants_v2(concrete)
        (images,) = frozen.inputs
        signature = tf.TensorSpec(images.shape, images.dtype, name="images")

        def predict(images: tf.Tensor) -> dict[str, tf.Tensor]:
            (probabilities,) = frozen(images)
            return {"probabilities": probabilities}

        self.serving_default = tf.function(predict, input_signature=[signature], autograph=False)


def export(model: keras.Model, labels: list[str], settings: Settings, folder: Path) -> None:
    """Writes `saved_model/`, `model.json` and the label map `labels.json` into `folder`.

    Whatever precision the model was trained in, it is exported in float32, in which every processor
    gives the same numbers; its weights are that already. It is not to be trained on afterwards.
    """
    _compute_in_float32(model)
    server = Frozen(Server(model, settings.image_size))
    signatures = {"serving_default": server.serving_default}
    # Nobody trains it further, and the gradients of constants cannot be saved.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(server, str(folder / "saved_model"), signatures, options)
    description = {
        "schema": 1,
        "image_size": settings.image_size,
        "labels": labels,
        "tensorflow": tf.__version__,
        "model": settings.model,
        "parameters": model.count_params(),
    }
    _write(folder / "model.json", description)
    _write(folder / "labels.json", {"schema": 1, "labels": labels})


def deliver(staging: Path, folder: Path) -> None:
    """Moves the files of a whole model from `staging` to `folder`, `model.json` last.

    SageMaker packs the folder even of a job that it stops or kills: one in which half of a model
    was written would look like one that ended, so nothing is written there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for piece in sorted(
        staging.iterdir(), key=lambda piece: (piece.name == "model.json", piece.name)
    ):
        place, beside = folder / piece.name, folder / f".{piece.name}"
        # Copied first, where the folder is another mount.
        shutil.move(piece, beside)
        if place.is_dir():
            shutil.rmtree(place)
        beside.replace(place)
    staging.rmdir()


def _compute_in_float32(model: keras.Model) -> None:
    for layer in model._flatten_layers():
        layer.dtype_policy = keras.DTypePolicy("float32")
        if isinstance(layer, keras.layers.Normalization):
            # Constants of its own, which it made when it was built.
            layer.mean, layer.variance = (
                keras.ops.cast(each, "float32") for each in (layer.mean, layer.variance)
            )


def _write(file: Path, content: object) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


MAXIMUM_REQUESTS = 8
# What a picture shows, upright and stretched over the whole square; _FINE is drawn as pixels of
# black and white in turn, which are grey only where shrinking averages.
_FINE = [128, 128, 128]
_FIELDS = (
    ([255, 0, 0], [0, 255, 0], _FINE),
    ([0, 0, 255], [255, 255, 255], [200, 120, 40]),
    ([0, 0, 0], _FINE, [40, 200, 120]),
    ([240, 240, 0], [0, 160, 240], [120, 40, 200]),
)
# EXIF's orientation 6: what lies in the file must be turned by a quarter, clockwise.
# CIPA DC-008 (EXIF), 4.5 and 4.6.4: a TIFF header, a directory of one entry, no next one.
_ORIENTATION = 6
_TIFF = struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, _ORIENTATION, 0, 0)
# Records that are looked at, in the files' order, for images of different classes.
_LOOKED_AT = 2_000


def write_golden(folder: Path, labels: Sequence[str], images: np.ndarray, image_size: int) -> None:
    """Writes `folder/golden.json`: `golden_images` and what the `saved_model/` beside it answers on
    TensorFlow.

    `{"schema": 2, "requests": [{"content_type": "image/png", "body": base64, "label",
    "probabilities": [one a label, in the order of model.json]}], "pictures": [{"content_type",
    "body", "fields": [rows][columns][RGB]}]}`. The images have the model's size, so that decoding
    them changes no pixel. The same channel gives the same images, of different classes where it has
    them. The pictures are the same for each model of a size, see `pictures`.

    Raises:
        UserError: the model's numbers are not finite.
    """
    probabilities = _answers(folder / "saved_model", images)
    if not np.isfinite(probabilities).all():
        raise UserError(
            "The trained model answers images of the validation channel with numbers that are not "
            "finite: train it again with a lower learning_rate."
        )
    requests = [
        _request(image, answer, labels) for image, answer in zip(images, probabilities, strict=True)
    ]
    golden = {"schema": 2, "requests": requests, "pictures": pictures(image_size)}
    _write(folder / "golden.json", golden)


def golden_images(share: Share, classes: int) -> np.ndarray:
    """Images uint8 [n, size, size, 3] of those that this host has, n up to 8: the first of each
    class, then the second, ...

    Raises:
        UserError: a record is damaged.
    """
    found: dict[int, list[np.ndarray]] = {}
    enough = min(MAXIMUM_REQUESTS, classes)
    for number, (image, label) in enumerate(_records(share), start=1):
        found.setdefault(label, []).append(image)
        # Of one class as many as all the requests would take.
        del found[label][MAXIMUM_REQUESTS:]
        if number >= MAXIMUM_REQUESTS and len(found) >= enough:
            break
    by_class = [found[label] for label in sorted(found)]
    in_turn = [image for row in zip_longest(*by_class) for image in row if image is not None]
    return np.stack(in_turn[:MAXIMUM_REQUESTS])


def _records(share: Share) -> Iterator[tuple[np.ndarray, int]]:
    with Reader(share.records) as reader:
        for number in share.held(_LOOKED_AT):
            (data,) = reader.read([number])
            features = tf.train.Example.FromString(data).features.feature
            (image,) = features["image"].bytes_list.value
            yield decoded(image, share), features["label"].int64_list.value[0]


def _answers(saved_model: Path, images: np.ndarray) -> np.ndarray:
    """Float32 [n, classes], each image asked for on its own, as a single request is."""
    loaded = tf.saved_model.load(str(saved_model))
    ask = loaded.signatures["serving_default"]
    return np.concatenate(
        [ask(images=tf.constant(image[None]))["probabilities"].numpy() for image in images]
    )


def _request(image: np.ndarray, answer: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    return {
        "content_type": "image/png",
        "body": base64.b64encode(tf.io.encode_png(image).numpy()).decode(),
        "label": labels[int(answer.argmax())],
        "probabilities": [float(probability) for probability in answer],
    }


def pictures(size: int) -> list[dict[str, Any]]:
    """A JPEG and a PNG that hold _FIELDS in a higher picture than the model's square.

    They prove what images of the model's own size cannot: the order of the colours, the orientation
    in EXIF data, that the whole picture is stretched and averaged as it shrinks, and that
    transparent pixels lie on white. Fields are as large as the model's image and so the picture at
    least three times: large enough that a JPEG is decoded at a fraction of its size.
    """
    side = -(-size // 16) * 16
    fields = np.array(_FIELDS, np.uint8)
    upright = fields.repeat(side, axis=0).repeat(side, axis=1)
    fine = (upright == _FINE).all(axis=2)
    rows, columns = np.indices(fine.shape)
    upright[fine] = ((rows + columns) % 2 * 255)[fine, None]
    # Turned by a quarter against the clock, which a reader turns back.
    jpeg = tf.io.encode_jpeg(np.rot90(upright), quality=95, chroma_downsampling=False).numpy()
    exif = b"Exif\0\0" + _TIFF
    turned = jpeg[:2] + struct.pack(">2sH", b"\xff\xe1", len(exif) + 2) + exif + jpeg[2:]
    # White is there as what shines through.
    alpha = np.where((upright == 255).all(axis=2) & ~fine, 0, 255).astype(np.uint8)
    png = tf.io.encode_png(np.dstack([np.where(alpha[..., None], upright, 0), alpha])).numpy()
    return [
        {
            "content_type": content_type,
            "body": base64.b64encode(body).decode(),
            "fields": fields.tolist(),
        }
        for content_type, body in (("image/jpeg", turned), ("image/png", png))
    ]
