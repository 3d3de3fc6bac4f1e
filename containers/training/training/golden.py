"""`golden.json`: images and the exported model's own answers, which a server must give before it
takes traffic.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from training.data import Share
from training.errors import UserError
from training.records import Reader

MAXIMUM_REQUESTS = 8
# Records that are looked at, in the files' order, for images of different classes.
_LOOKED_AT = 2_000


def write_golden(folder: Path, labels: Sequence[str], validation: Share) -> None:
    """Writes `folder/golden.json`: up to 8 images of the validation channel with their answers.

    `{"schema": 1, "requests": [{"content_type": "image/png", "body": base64, "label",
    "probabilities": [one a label, in the order of model.json]}]}`. The images have the model's
    size, so that decoding them changes no pixel. The same channel gives the same images, of
    different classes where it has them.

    :param folder: with the `saved_model/` that answers, on TensorFlow.
    :raises UserError: the model's numbers are not finite, or a record is damaged.
    """
    images = _choose(validation, len(labels))
    probabilities = _answers(folder / "saved_model", images)
    if not np.isfinite(probabilities).all():
        raise UserError(
            "The trained model answers images of the validation channel with numbers that are not "
            "finite: train it again with a lower learning_rate."
        )
    requests = [
        _request(image, answer, labels) for image, answer in zip(images, probabilities, strict=True)
    ]
    content = json.dumps({"schema": 1, "requests": requests}, ensure_ascii=False, indent=1)
    (folder / "golden.json").write_text(content, encoding="utf-8")


def _choose(share: Share, classes: int) -> np.ndarray:
    """Images uint8 [n, size, size, 3], n up to 8: the first of each class, then the second, ..."""
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
    reader = Reader(share.records)
    for number in range(min(share.records.count, _LOOKED_AT)):
        (data,) = reader.read([number])
        features = tf.train.Example.FromString(data).features.feature
        (pixels,) = features["image"].bytes_list.value
        image = np.frombuffer(pixels, np.uint8).reshape(share.image_size, share.image_size, 3)
        yield image, features["label"].int64_list.value[0]


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
