"""What the networks made of a backbone of keras.applications have in common."""

from collections.abc import Callable
from pathlib import Path

import keras
from keras import layers, ops

from training.models._weights import load_weights

# These backbones halve the side five times, so 32 pixels would end as one.
SMALLEST_SIDE = 64
DROPOUT = 0.2
MOMENTUM = 0.9


def on_backbone(
    make_backbone: Callable[..., keras.Model],
    image_size: int,
    classes: int,
    weights: Path | None,
    *,
    preprocessing: keras.Layer | None = None,
    **options: object,
) -> keras.Model:
    """A backbone, the mean over its last feature map, dropout, and one logit a class.

    Images smaller than 64 pixels are enlarged to 64 in the network.

    Args:
        make_backbone: of keras.applications, called with `options` for a network without top, which
            gives a feature map [n, height, width, channels].
        weights: weights of the backbone alone: keras.applications publishes them as `..._notop.h5`.
        preprocessing: from pixels of 0 to 255 to what the backbone takes, where it doesn't do that
            itself. It stays outside of the backbone, whose layers are those of the file.

    Raises:
        UserError: the weights don't fit.
    """
    side = max(image_size, SMALLEST_SIDE)
    shape = (side, side, 3)
    backbone = make_backbone(input_shape=shape, include_top=False, weights=None, **options)
    _follow_short_trainings(backbone)
    load_weights(backbone, weights)
    images = keras.Input([image_size, image_size, 3], dtype="float32")
    # Not the layer Resizing: without a word of `training`, all that follows it trains.
    pixels = images if side == image_size else ops.image.resize(images, (side, side))
    scaled = pixels if preprocessing is None else preprocessing(pixels)
    features = layers.GlobalAveragePooling2D()(backbone(scaled))
    # float32 whatever the precision: a loss of float16 logits overflows.
    logits = layers.Dense(classes, dtype="float32")(layers.Dropout(DROPOUT)(features))
    return keras.Model(images, logits)


def _follow_short_trainings(backbone: keras.Model) -> None:
    """With their momentum of 0.99 or 0.999, moving means are stale until thousands of steps."""
    for layer in backbone.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = MOMENTUM
