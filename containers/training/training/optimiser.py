"""The optimiser and its learning rate: warm-up, cosine decay, and how both follow the batch."""

import math
from typing import Any

import keras

from training.settings import Settings


def make_optimiser(
    settings: Settings, workers: int, trained: keras.Variable
) -> keras.optimizers.Optimizer:
    """Built from the settings; its learning rate follows `trained`, the share of the training that
    is done, and not its steps: another number of workers takes fewer or more of these.

    The peak is `learning_rate` times the number of workers (`linear`, https://arxiv.org/abs/1706.02677,
    for SGD) or its square root (`sqrt`, https://arxiv.org/abs/2205.10287, for Adam), as the batch
    grows with them. Weights decay, biases and normalisations do not.
    """
    factor = {"none": 1.0, "sqrt": math.sqrt(workers), "linear": float(workers)}
    peak = settings.learning_rate * factor[settings.learning_rate_scaling]
    schedule = ByShare(_schedule(peak, settings.warmup_share), trained)
    decay = settings.weight_decay or None
    optimiser: keras.optimizers.Optimizer
    if settings.optimiser == "sgd":
        optimiser = keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True, weight_decay=decay)
    else:
        # Keras decouples the decay, so this is AdamW.
        optimiser = keras.optimizers.Adam(schedule, weight_decay=decay)
    if decay:
        optimiser.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    if settings.precision == "mixed_float16":
        # Small gradients would vanish in float16.
        optimiser = keras.optimizers.LossScaleOptimizer(optimiser)
    return optimiser


class ByShare(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """`schedule`, whose steps are shares of the training."""

    def __init__(
        self, schedule: keras.optimizers.schedules.LearningRateSchedule, trained: keras.Variable
    ) -> None:
        self._schedule = schedule
        self._trained = trained

    def __call__(self, step: Any) -> Any:
        """The learning rate now, whatever `step` is."""
        return self._schedule(self._trained)


def _schedule(peak: float, warm_up: float) -> keras.optimizers.schedules.LearningRateSchedule:
    if not warm_up:
        return keras.optimizers.schedules.CosineDecay(peak, decay_steps=1.0)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=1.0 - warm_up,
        warmup_target=peak,
        warmup_steps=warm_up,
    )
