"""EfficientNetV2 B0: 5.9 million weights, for GPUs.

https://arxiv.org/abs/2104.00298
"""

from pathlib import Path

import keras

from training.models._backbone import on_backbone


def build(image_size: int, classes: int, weights: Path | None) -> keras.Model:
    """The network; weights are for example `efficientnetv2-b0_notop.h5` of keras.applications."""
    return on_backbone(keras.applications.EfficientNetV2B0, image_size, classes, weights)
