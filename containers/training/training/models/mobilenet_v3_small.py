"""MobileNetV3 Small: 0.9 million weights, made for phones' CPUs.

https://arxiv.org/abs/1905.02244
"""

from pathlib import Path

import keras

from training.models._backbone import on_backbone


def build(image_size: int, classes: int, weights: Path | None) -> keras.Model:
    """MobileNetV3 small.

    Args:
        weights: for example `weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5` of
            keras.applications.
    """
    return on_backbone(keras.applications.MobileNetV3Small, image_size, classes, weights)
