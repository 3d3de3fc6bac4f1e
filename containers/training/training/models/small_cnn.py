"""A few convolutions: right for small images, trains in seconds."""

from pathlib import Path

import keras
from keras import layers

from training.models._weights import load_weights


def build(image_size: int, classes: int, weights: Path | None) -> keras.Model:
    """A small convolutional network.

    Args:
        weights: weights of this whole network, from a training with the same image size and
            number of classes.
    """
    model = keras.Sequential(
        [
            keras.Input([image_size, image_size, 3]),
            layers.Rescaling(1 / 127.5, offset=-1.0),
            layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(64, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(128, activation="relu"),
            layers.Dense(classes, dtype="float32"),
        ],
        name="small_cnn",
    )
    load_weights(model, weights)
    return model
