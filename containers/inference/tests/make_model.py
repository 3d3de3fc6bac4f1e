"""Writes a model folder: the brighter the image, the likelier "bright"; one grey breaks it."""

import base64
import json
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

BREAKING_GREY = 77


def main(folder: Path, size: int) -> None:
    classify = keras.Sequential(
        [
            keras.Input((size, size, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    classify.layers[-1].set_weights([np.array([[-2.0, 2.0]] * 3), np.array([3.0, -3.0])])

    def answer(images: tf.Tensor) -> dict[str, tf.Tensor]:
        breaks = tf.reduce_all(images == BREAKING_GREY, axis=(1, 2, 3))
        probabilities = classify(tf.cast(images, tf.float32))
        return {"probabilities": tf.where(breaks[:, None], float("nan"), probabilities)}

    archive = keras.export.ExportArchive()
    archive.track(classify)
    archive.add_endpoint(
        "serving_default",
        answer,
        input_signature=[tf.TensorSpec((None, size, size, 3), tf.uint8, name="images")],
    )
    archive.write_out(str(folder / "saved_model"), verbose=False)
    description = {
        "schema": 1,
        "image_size": size,
        "labels": ["dark", "bright"],
        "tensorflow": tf.__version__,
    }
    (folder / "model.json").write_text(json.dumps(description))
    (folder / "golden.json").write_text(json.dumps(golden(folder, size, description["labels"])))


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
    return {"schema": 1, "requests": requests}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
