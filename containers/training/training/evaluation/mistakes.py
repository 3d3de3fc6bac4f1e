"""The mistakes that a model was most certain of, with their images."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

MOST = 50


@dataclass(frozen=True)
class Mistake:
    """A record whose class the model got wrong.

    Attributes:
        label: encoded, as is `predicted`.
        probability: of the predicted class.
        image: uint8 [size, size, 3].
    """

    key: str
    label: int
    predicted: int
    probability: float
    image: np.ndarray


def worst(mistakes: Iterable[Mistake]) -> list[Mistake]:
    """Up to 50, the most certain first; which ones follows from the records alone."""
    return heapq.nsmallest(MOST, mistakes, key=lambda mistake: (-mistake.probability, mistake.key))
