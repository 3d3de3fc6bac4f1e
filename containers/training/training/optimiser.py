"""The optimiser and its learning rate: warm-up, cosine decay, and how both follow the batch."""

import math

import keras

from training.settings import Settings


def make_optimiser(settings: Settings, workers: int, steps: int) -> keras.optimizers.Optimizer:
    """Built from the settings, for so many steps in the whole training.

    The peak is `learning_rate` times the number of workers (`linear`, https://arxiv.org/abs/1706.02677,
    for SGD) or its square root (`sqrt`, https://arxiv.org/abs/2205.10287, for Adam), as the batch
    grows with them. Weights decay, biases and normalisations do not.
    """
    factor = {"none": 1.0, "sqrt": math.sqrt(workers), "linear": float(workers)}
    peak = settings.learning_rate * factor[settings.learning_rate_scaling]
    schedule = _schedule(peak, steps, round(steps * settings.warmup_share))
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


def _schedule(
    peak: float, steps: int, warm_up: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    if not warm_up:
        return keras.optimizers.schedules.CosineDecay(peak, decay_steps=max(1, steps))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=max(1, steps - warm_up),
        warmup_target=peak,
        warmup_steps=warm_up,
    )
