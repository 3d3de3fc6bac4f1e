"""How training images are varied, in the graph; what is served never passes here."""

from __future__ import annotations

import keras


def make_augmentation(seed: int) -> keras.Layer:
    """Shifts each image by up to 8 % of its side.

    Takes and gives float32 [n, size, size, 3]. No mirroring: a mirrored 2 is no 2.
    """
    return keras.layers.RandomTranslation(0.08, 0.08, fill_mode="nearest", seed=seed)
