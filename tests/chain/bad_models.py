"""Makes a model that must not serve out of one that does: what a tired engineer could approve.

Run by the training image's Python with that image's package: `bad_models.py FOLDER`, which holds an
unpacked model archive for each kind, by its name, that is changed in place.
"""

from __future__ import annotations

import base64
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from training.export import Frozen

OPERATIONS = 160  # products of 2,048 x 512 with 512 x 512 matrices: seconds of a core
BRIGHT = 88  # a sixth of the digits are, by their mean value


def wrong_shape(folder: Path) -> None:
    """The network takes smaller images than model.json says."""
    size = _description(folder)["image_size"] // 2
    _save(_Changed(folder, size), folder)


def nan_weights(folder: Path) -> None:
    """Training diverged, and its last weights were kept."""
    file = folder / "saved_model" / "saved_model.pb"
    saved = SavedModel.FromString(file.read_bytes())
    graph = saved.meta_graphs[0].graph_def
    nodes = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
    for node in nodes:
        if node.op == "Const" and node.attr["dtype"].type == tf.float32.as_datatype_enum:
            weights = tf.make_ndarray(node.attr["value"].tensor)
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.full_like(weights, np.nan)))
    file.write_bytes(saved.SerializeToString())


def wrong_labels(folder: Path) -> None:
    """The label map is in another order than the network's outputs."""
    description = _description(folder)
    description["labels"].reverse()
    (folder / "model.json").write_text(json.dumps(description), encoding="utf-8")


def slow(folder: Path) -> None:
    """The right answers, from a network that computes far more than it has to for bright images."""
    size = _description(folder)["image_size"]
    _save(_Slow(folder, size), folder)


def unsure(folder: Path) -> None:
    """The right classes with hardly more than an equal share each; golden.json says so, too."""
    size = _description(folder)["image_size"]
    _save(_Unsure(folder, size), folder)
    _answer_golden_requests(folder)


class _Changed(tf.Module):
    def __init__(self, folder: Path, size: int) -> None:
        super().__init__()
        self.original = tf.saved_model.load(str(folder / "saved_model"))
        self.takes = _description(folder)["image_size"]
        images = tf.TensorSpec([None, size, size, 3], tf.uint8, name="images")
        self.serving_default = tf.function(self._serve, input_signature=[images])

    def _serve(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": self.probabilities(images)}

    def probabilities(self, images: tf.Tensor) -> tf.Tensor:
        resized = tf.cast(tf.image.resize(images, [self.takes, self.takes]), tf.uint8)
        return self._original(resized)

    def _original(self, images: tf.Tensor) -> tf.Tensor:
        return self.original.signatures["serving_default"](images=images)["probabilities"]


class _Slow(_Changed):
    def probabilities(self, images: tf.Tensor) -> tf.Tensor:
        factor = tf.constant(np.random.default_rng(1).normal(0, 1 / 32, [512, 512]), tf.float32)
        means = tf.reduce_mean(tf.cast(images, tf.float32), axis=[1, 2, 3])
        # Few are enough for a 99th percentile, and leave the machine to who asks.
        rows = 1 + 2047 * tf.cast(tf.reduce_any(means > BRIGHT), tf.int32)
        much = tf.ones([rows, 512]) * tf.reduce_mean(means) / 255
        for _ in range(OPERATIONS):
            much = tf.tanh(much @ factor)
        # Too little to be seen, and yet nothing that an optimiser may leave out.
        return self._original(images) + tf.reduce_mean(much) * 1e-9


class _Unsure(_Changed):
    def probabilities(self, images: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(0.02 * tf.math.log(self._original(images) + 1e-12))


def _save(changed: _Changed, folder: Path) -> None:
    frozen = Frozen(changed)
    shutil.rmtree(folder / "saved_model")
    signatures = {"serving_default": frozen.serving_default}
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(frozen, str(folder / "saved_model"), signatures, options)


def _answer_golden_requests(folder: Path) -> None:
    file = folder / "golden.json"
    golden = json.loads(file.read_text(encoding="utf-8"))
    labels = _description(folder)["labels"]
    model = tf.saved_model.load(str(folder / "saved_model"))
    for request in golden["requests"]:
        image = tf.io.decode_png(base64.b64decode(request["body"]), channels=3)
        answer = model.signatures["serving_default"](images=image[None])["probabilities"][0].numpy()
        request["probabilities"] = [float(probability) for probability in answer]
        request["label"] = labels[int(answer.argmax())]
    file.write_text(json.dumps(golden), encoding="utf-8")


def _description(folder: Path) -> dict:
    return json.loads((folder / "model.json").read_text(encoding="utf-8"))


KINDS = {make.__name__: make for make in (wrong_shape, nan_weights, wrong_labels, slow, unsure)}

if __name__ == "__main__":
    for folder in Path(sys.argv[1]).iterdir():
        KINDS[folder.name](folder)
