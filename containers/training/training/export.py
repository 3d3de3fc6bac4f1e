"""Writes the model as a SavedModel that takes the records' own pixels."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import tensorflow as tf


class Server(tf.Module):  # type: ignore[misc]
    """`serving_default`: images uint8 [n, size, size, 3] to probabilities float32 [n, classes]."""

    def __init__(self, model: keras.Model, image_size: int) -> None:
        super().__init__()
        self.model = model
        images = tf.TensorSpec([None, image_size, image_size, 3], tf.uint8, name="images")
        self.serving_default = tf.function(self._predict, input_signature=[images])

    def _predict(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = self.model(tf.cast(images, tf.float32), training=False)
        return {"probabilities": tf.nn.softmax(logits)}


def export(model: keras.Model, labels: list[str], image_size: int, folder: Path) -> None:
    """Writes `saved_model/` and `model.json` into the model's folder."""
    server = Server(model, image_size)
    signatures = {"serving_default": server.serving_default}
    tf.saved_model.save(server, str(folder / "saved_model"), signatures=signatures)
    description = {
        "schema": 1,
        "image_size": image_size,
        "labels": labels,
        "tensorflow": tf.__version__,
    }
    (folder / "model.json").write_text(
        json.dumps(description, ensure_ascii=False, indent=1), "utf-8"
    )
