"""How training images are varied, in the graph, and the random numbers of layers.

What is served never passes here.
"""

from collections.abc import Sequence

import keras
import numpy as np


def make_augmentation(seed: int) -> keras.Layer:
    """Shifts each image by up to 8 % of its side.

    Takes and gives float32 [n, size, size, 3]. No mirroring: a mirrored 2 is no 2.
    """
    return keras.layers.RandomTranslation(0.08, 0.08, fill_mode="nearest", seed=seed)


def random_states(layers: Sequence[keras.Layer]) -> list[keras.Variable]:
    """The generators' variables, in an order that is the same on every worker."""
    variables = [variable for layer in layers for variable in layer.variables]
    return [variable for variable in variables if variable.path.endswith("seed_generator_state")]


def seed(states: Sequence[keras.Variable], seed: int, rank: int) -> None:
    """Starts each generator with a seed of its own, which follows from seed and rank."""
    seeds = np.random.SeedSequence([seed, rank]).generate_state(max(1, len(states)))
    for state, value in zip(states, seeds, strict=False):
        state.assign(np.array([value % 2**31, 0], state.dtype))
