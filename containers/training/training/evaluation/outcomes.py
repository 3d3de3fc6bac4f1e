"""What a model's probabilities come to, record by record: all that the metrics need of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Outcomes:
    """One entry a record, for one model.

    Attributes:
        predicted: int64 [n], numbers among all classes, see `Classes`.
        probability: float32 [n], of the predicted class.
        truth: float32 [n], probability of the true class; 0 where the model doesn't know it.
        brier: float64 [n], sum over classes of (probability - 1 or 0)², 0 to 2.
    """

    predicted: np.ndarray
    probability: np.ndarray
    truth: np.ndarray
    brier: np.ndarray

    def right(self, labels: np.ndarray) -> np.ndarray:
        """Which records it got right, bool [n]; never those of a class that it doesn't know."""
        right: np.ndarray = self.predicted == labels
        return right

    def take(self, order: np.ndarray) -> Outcomes:
        return Outcomes(
            self.predicted[order], self.probability[order], self.truth[order], self.brier[order]
        )


def join(parts: Sequence[Outcomes]) -> Outcomes:
    return Outcomes(
        np.concatenate([part.predicted for part in parts]),
        np.concatenate([part.probability for part in parts]),
        np.concatenate([part.truth for part in parts]),
        np.concatenate([part.brier for part in parts]),
    )


class Classes:
    """Numbers of one model's classes among those of both models.

    Attributes:
        every: labels of the model that is evaluated, then those that only the other one knows.
        own: labels of the one model.
    """

    def __init__(self, every: Sequence[str], own: Sequence[str]) -> None:
        self._numbers = np.array([every.index(label) for label in own], np.int64)
        self._columns = np.full(len(every), -1, np.int64)
        self._columns[self._numbers] = np.arange(len(own))

    def outcomes(self, probabilities: np.ndarray, labels: np.ndarray) -> Outcomes:
        """Args:
        probabilities: float32 [n, own classes].
        labels: int64 [n], numbers among all classes.
        """
        rows = np.arange(len(labels))
        best = np.argmax(probabilities, axis=1)
        columns = self._columns[labels]
        truth = np.where(columns >= 0, probabilities[rows, columns], 0).astype(np.float32)
        squares = np.square(probabilities.astype(np.float64)).sum(axis=1)
        return Outcomes(
            predicted=self._numbers[best],
            probability=probabilities[rows, best],
            truth=truth,
            brier=squares - 2 * truth.astype(np.float64) + 1,
        )


def all_classes(candidate: Sequence[str], serving: Sequence[str]) -> list[str]:
    """The candidate's labels keep their encoding; classes are the same where their labels are."""
    known = set(candidate)
    return [*candidate, *(label for label in serving if label not in known)]
