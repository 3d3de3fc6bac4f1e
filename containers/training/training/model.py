"""The networks. To bring your own, write a function like `small_cnn` and name it in NETWORKS.

A network takes float32 [n, size, size, 3] of 0 to 255 and gives logits [n, classes].
"""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers


def small_cnn(image_size: int, classes: int) -> keras.Model:
    """A few convolutions: right for small images, trains in seconds."""
    return keras.Sequential(
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
            layers.Dense(classes),
        ]
    )


NETWORKS: dict[str, Callable[[int, int], keras.Model]] = {"small_cnn": small_cnn}
