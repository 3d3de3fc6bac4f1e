"""EfficientNetV2 B0: 5.9 million weights, for GPUs.

https://arxiv.org/abs/2104.00298
"""

from pathlib import Path

import keras

from training.models._backbone import on_backbone


def build(image_size: int, classes: int, weights: Path | None) -> keras.Model:
    """EfficientNetV2-B0.

    Args:
        weights: for example `efficientnetv2-b0_notop.h5` of keras.applications.
    """
    return on_backbone(_backbone, image_size, classes, weights)


def _backbone(shape: tuple[int, int, int]) -> keras.Model:
    return keras.applications.EfficientNetV2B0(include_top=False, weights=None, input_shape=shape)
