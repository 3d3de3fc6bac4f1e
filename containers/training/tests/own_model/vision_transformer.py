"""A network of one's own, as docs/bring-your-own-model.md describes it: a small vision transformer.

https://arxiv.org/abs/2010.11929
"""

from pathlib import Path

import keras
from keras import layers, ops

from training.models._weights import load_weights

PATCH = 4
WIDTH = 32
BLOCKS = 2


class Positions(layers.Layer):
    """Adds to each patch what says where it lies: [n, patches, width] to the same."""

    def build(self, shape):
        self.table = self.add_weight(shape=shape[1:], initializer="random_normal", name="table")

    def call(self, patches):
        return patches + ops.cast(self.table, patches.dtype)


def build(image_size: int, classes: int, weights: Path | None) -> keras.Model:
    images = keras.Input([image_size, image_size, 3])
    scaled = layers.Rescaling(1 / 127.5, offset=-1.0)(images)
    patches = layers.Conv2D(WIDTH, PATCH, strides=PATCH)(scaled)
    tokens = Positions()(layers.Reshape([-1, WIDTH])(patches))
    for _ in range(BLOCKS):
        tokens = block(tokens)
    features = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(tokens))
    logits = layers.Dense(classes, dtype="float32")(features)
    model = keras.Model(images, logits)
    load_weights(model, weights)
    return model


def block(tokens):
    """Attention, then two dense layers, each beside a way past it."""
    seen = layers.LayerNormalization()(tokens)
    tokens = layers.Add()([tokens, layers.MultiHeadAttention(4, WIDTH // 4)(seen, seen)])
    wide = layers.Dense(2 * WIDTH, activation="gelu")(layers.LayerNormalization()(tokens))
    return layers.Add()([tokens, layers.Dense(WIDTH)(wide)])
