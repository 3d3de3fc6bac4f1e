"""Adam with warm-up and cosine decay."""

from __future__ import annotations

import math

import keras


def make_optimiser(
    learning_rate: float, workers: int, steps_per_epoch: int, epochs: int
) -> keras.optimizers.Optimizer:
    """The peak is `learning_rate` times the square root of the number of workers, as the batch
    grows with them (https://arxiv.org/abs/2205.10287 has the rule for Adam); it is reached after
    the first tenth of all steps.
    """
    steps = steps_per_epoch * epochs
    warm_up = max(1, steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=max(1, steps - warm_up),
        warmup_target=learning_rate * math.sqrt(workers),
        warmup_steps=warm_up,
    )
    return keras.optimizers.Adam(schedule)
