"""How far answered classes are from trained ones, and how much of that chance alone explains."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .captured import Extent, Tally
from .models import Trained

SCHEMA = 1
COMPARISON = "drift/comparison.json"
"""Key of the last one."""
CONFIDENCE = 0.99


def shares(counts: Mapping[str, int]) -> dict[str, float]:
    """Each class's share of all counts, which must not all be 0; the shares add up to 1."""
    total = sum(counts.values())
    return {label: count / total for label, count in counts.items()}


def total_variation(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Half the sum of the absolute differences: the share of answers that would have to change
    their class for `one` to become `other`.

    A class that is missing has the share 0. 0 where they are the same, 1 where they have no class
    in common.
    """
    differences = (abs(one.get(c, 0.0) - other.get(c, 0.0)) for c in {*one, *other})
    return min(1.0, math.fsum(differences) / 2)


def by_chance(answers: int, classes: int, confidence: float = CONFIDENCE) -> float:
    """The distance from its own distribution that a sample exceeds with probability
    1 - `confidence` at most, whatever that distribution is.

    Of n independent answers over k classes, p̂ the shares and p the distribution they are from:

    - the mean distance is at most √((k - 1) / n) / 2, since E|p̂ᵢ - pᵢ| ≤ √(pᵢ(1 - pᵢ) / n) by
      Jensen's inequality, and the sum of √(pᵢ(1 - pᵢ)) is at most √(k - 1) by Cauchy and Schwarz;
    - another class for one answer changes the distance by 1 / n at most, so that it exceeds its
      mean by √(ln(1 / (1 - confidence)) / 2n) with that probability at most (C. McDiarmid, *On the
      method of bounded differences*, 1989).

    Answers that depend on each other, such as frames of one film, differ more than that by chance.
    """
    mean = math.sqrt(max(0, classes - 1) / answers) / 2
    above = math.sqrt(math.log(1 / (1 - confidence)) / (2 * answers))
    return mean + above


def least_distance(distance: float, chance: float) -> float:
    """How far the distributions behind two shares are apart at least, with the confidence of
    `chance`: by the triangle inequality, the distance that was seen less what chance explains.
    """
    return max(0.0, distance - chance)


@dataclass(frozen=True)
class Comparison:
    """What was counted, and what follows where there were predictions enough."""

    time: datetime
    trained: Trained
    tally: Tally
    extent: Extent
    minimum_predictions: int

    @property
    def is_enough(self) -> bool:
        """Whether there were predictions enough to compare."""
        return self.tally.predictions >= max(1, self.minimum_predictions)

    @property
    def distance(self) -> float:
        """Total variation distance of the shares; only where there were predictions."""
        return total_variation(shares(self.trained.counts), shares(self.tally.labels))

    @property
    def by_chance(self) -> float:
        """What chance explains of it; only where there were predictions."""
        classes = {label for label, count in self._counts().items() if any(count)}
        return by_chance(self.tally.predictions, len(classes))

    @property
    def drift(self) -> float:
        """How far the classes are apart at least; only where there were predictions."""
        return least_distance(self.distance, self.by_chance)

    def describe(self, endpoint: str, threshold: float) -> dict[str, Any]:
        """The content of `drift/comparison.json`: docs/contracts/comparison.schema.json."""
        return {
            "schema": SCHEMA,
            "time": _iso(self.time),
            "endpoint": endpoint,
            "model_package_arn": self.tally.model_package_arn,
            "trained": self.trained.uri,
            "since": _iso(self.extent.since),
            "files": self.extent.files,
            "bytes": self.extent.bytes,
            "is_whole": self.extent.is_whole,
            "predictions": self.tally.predictions,
            "minimum_predictions": self.minimum_predictions,
            "of_other_models": self.tally.of_other_models,
            "unreadable": self.tally.unreadable,
            "classes": {
                label: {"trained": trained, "predicted": predicted}
                for label, (trained, predicted) in sorted(self._counts().items())
            },
            "distance": self.distance if self.is_enough else None,
            "by_chance": self.by_chance if self.is_enough else None,
            "drift": self.drift if self.is_enough else None,
            "threshold": threshold,
        }

    def _counts(self) -> Mapping[str, tuple[int, int]]:
        trained, predicted = self.trained.counts, self.tally.labels
        return {
            label: (trained.get(label, 0), predicted.get(label, 0))
            for label in {*trained, *predicted}
        }


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")
