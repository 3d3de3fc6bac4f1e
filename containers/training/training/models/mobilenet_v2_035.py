"""MobileNetV2 at 0.35 of its width: 0.4 million weights, quick on CPUs.

https://arxiv.org/abs/1801.04381
"""

from pathlib import Path

import keras
from keras import layers

from training.models._backbone import on_backbone


def build(image_size: int, classes: int, weights: Path | None) -> keras.Model:
    """MobileNetV2 of width 0.35.

    Args:
        weights: for example `mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5` of
            keras.applications.
    """
    # Of these networks the only one that leaves the scaling of pixels to others.
    scale = layers.Rescaling(1 / 127.5, offset=-1.0)
    network = keras.applications.MobileNetV2
    return on_backbone(network, image_size, classes, weights, preprocessing=scale, alpha=0.35)
