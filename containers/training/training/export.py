"""Writes the model as a SavedModel that takes the records' own pixels, and what it is beside it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import keras
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

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

        self.serving_default = tf.function(predict, input_signature=[signature])


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


def deliver(made: Path, folder: Path) -> None:
    """Moves the files of a whole model from `made` to `folder`, `model.json` last.

    SageMaker packs the folder even of a job that it stops or kills: one in which half of a model
    was written would look like one that ended, so nothing is written there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for piece in sorted(made.iterdir(), key=lambda piece: (piece.name == "model.json", piece.name)):
        place, beside = folder / piece.name, folder / f".{piece.name}"
        # Copied first, where the folder is another mount.
        shutil.move(piece, beside)
        if place.is_dir():
            shutil.rmtree(place)
        beside.replace(place)
    made.rmdir()


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
