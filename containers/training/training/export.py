"""Writes the model as a SavedModel that takes the records' own pixels, and what it is beside it."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import tensorflow as tf

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
        self.serving_default = tf.function(self._predict, input_signature=[images])

    def _predict(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = self.model(tf.cast(images, tf.float32), training=False)
        return {"probabilities": tf.nn.softmax(logits)}


def export(model: keras.Model, labels: list[str], settings: Settings, folder: Path) -> None:
    """Writes `saved_model/`, `model.json` and the label map `labels.json` into `folder`."""
    server = Server(model, settings.image_size)
    signatures = {"serving_default": server.serving_default}
    tf.saved_model.save(server, str(folder / "saved_model"), signatures=signatures)
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


def _write(file: Path, content: object) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
