"""Writes a model folder of each of these kinds, as training would, in training's environment:

tiny: the brighter the image, the likelier "bright"; one grey breaks it.
slow: the same, after a tenth of a second of sums for each image.
broken: the same with weights that are no numbers.
pixels: answers with the pixels that it was given, so that a client sees them.

Beside them lie training's golden pictures for models of other sizes, pictures-SIZE.json.
"""

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from training.export import pictures as golden_pictures

KINDS = ("tiny", "slow", "broken", "pixels")
BREAKING_GREY = 77

Answer = Callable[[tf.Tensor], tf.Tensor]


def main(folder: Path, size: int, sizes: list[int]) -> None:
    for kind in KINDS:
        make(folder / kind, size, kind)
    for other in sizes:
        (folder / f"pictures-{other}.json").write_text(json.dumps(golden_pictures(other)))


def make(folder: Path, size: int, kind: str) -> None:
    answer, labels = pixels(size) if kind == "pixels" else bright(size, kind)
    archive = keras.export.ExportArchive()
    if isinstance(answer, Bright):
        archive.track(answer.network)
    archive.add_endpoint(
        "serving_default",
        lambda images: {"probabilities": answer(images)},
        input_signature=[tf.TensorSpec((None, size, size, 3), tf.uint8, name="images")],
    )
    archive.write_out(str(folder / "saved_model"), verbose=False)
    description = {
        "schema": 1,
        "image_size": size,
        "labels": labels,
        "tensorflow": tf.__version__,
    }
    (folder / "model.json").write_text(json.dumps(description))
    (folder / "golden.json").write_text(json.dumps(golden(folder, size, labels)))


class Bright:
    """Two classes by the mean of all pixels."""

    def __init__(self, size: int, kind: str) -> None:
        images = keras.Input((size, size, 3))
        scaled = keras.layers.Rescaling(1 / 255)(images)
        mean = keras.layers.GlobalAveragePooling2D()(scaled)
        dense = keras.layers.Dense(2, activation="softmax")
        probabilities = dense(mean)
        if kind == "slow":
            probabilities += 1e-30 * keras.ops.mean(sums(scaled), axis=(1, 2, 3))[:, None]
        self.network = keras.Model(images, probabilities)
        slope = np.nan if kind == "broken" else 2.0
        dense.set_weights([np.array([[-slope, slope]] * 3), np.array([3.0, -3.0])])

    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        breaks = tf.reduce_all(images == BREAKING_GREY, axis=(1, 2, 3))
        probabilities = self.network(tf.cast(images, tf.float32))
        return tf.where(breaks[:, None], float("nan"), probabilities)


def sums(images: keras.KerasTensor) -> keras.KerasTensor:
    """Convolutions of about 5 billion operations an image."""
    large = keras.layers.UpSampling2D(16)(images)
    for _ in range(5):
        large = keras.layers.Conv2D(64, 3, padding="same", activation="relu")(large)
        large = keras.layers.Conv2D(64, 3, padding="same", activation="relu")(large)
    return large


def bright(size: int, kind: str) -> tuple[Answer, list[str]]:
    return Bright(size, kind), ["dark", "bright"]


def pixels(size: int) -> tuple[Answer, list[str]]:
    def answer(images: tf.Tensor) -> tf.Tensor:
        return tf.reshape(tf.cast(images, tf.float32), (-1, size * size * 3)) / 255

    return answer, [str(number) for number in range(size * size * 3)]


def golden(folder: Path, size: int, labels: list[str]) -> dict[str, object]:
    """Requests as training writes them, with the SavedModel's own answers."""
    loaded = tf.saved_model.load(str(folder / "saved_model"))
    requests = []
    for grey in (0, 100, 160, 255):
        image = np.full((size, size, 3), grey, np.uint8)
        answer = loaded.signatures["serving_default"](images=tf.constant(image[None]))
        probabilities = answer["probabilities"].numpy()[0]
        requests.append(
            {
                "content_type": "image/png",
                "body": base64.b64encode(tf.io.encode_png(image).numpy()).decode(),
                "label": labels[int(probabilities.argmax())],
                "probabilities": probabilities.tolist(),
            }
        )
    return {"schema": 2, "requests": requests, "pictures": golden_pictures(size)}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), [int(size) for size in sys.argv[3:]])
