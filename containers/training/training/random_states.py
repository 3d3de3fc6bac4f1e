"""Random numbers of layers, such as those of dropout and augmentation: other ones on each worker."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np


def random_states(layers: Sequence[keras.Layer]) -> list[list[int]]:
    """How far each generator of `layers` has come: its seed and its count."""
    return [np.asarray(state).tolist() for state in _states(layers)]


def set_random_states(layers: Sequence[keras.Layer], values: Sequence[Sequence[int]]) -> None:
    for state, value in zip(_states(layers), values, strict=True):
        state.assign(np.array(value, state.dtype))


def seed_layers(layers: Sequence[keras.Layer], seed: int, rank: int) -> None:
    """Starts each generator of `layers` with a seed of its own, that follows from seed and rank."""
    states = _states(layers)
    seeds = np.random.SeedSequence([seed, rank]).generate_state(max(1, len(states)))
    for state, value in zip(states, seeds, strict=False):
        state.assign(np.array([value % 2**31, 0], state.dtype))


def _states(layers: Sequence[keras.Layer]) -> list[keras.Variable]:
    """In an order that is the same on every worker."""
    variables = [variable for layer in layers for variable in layer.variables]
    return [variable for variable in variables if variable.path.endswith("seed_generator_state")]
