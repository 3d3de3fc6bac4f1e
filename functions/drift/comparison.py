"""One comparison of answered with trained classes, as it is kept in S3."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import distance
from .answers import Tally
from .captured import Extent
from .trained import Trained

SCHEMA = 1


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
        return self.tally.predictions >= max(1, self.minimum_predictions)

    @property
    def distance(self) -> float:
        """Total variation distance of the shares; only where there were predictions."""
        return distance.total_variation(
            distance.shares(self.trained.counts), distance.shares(self.tally.labels)
        )

    @property
    def by_chance(self) -> float:
        """What chance explains of it; only where there were predictions."""
        classes = {label for label, count in self._counts().items() if any(count)}
        return distance.by_chance(self.tally.predictions, len(classes))

    @property
    def drift(self) -> float:
        """How far the classes are apart at least; only where there were predictions."""
        return distance.least_distance(self.distance, self.by_chance)

    def describe(self, endpoint: str, threshold: float) -> dict[str, Any]:
        """The content of `drift/comparison.json`, as docs/architecture.md describes it."""
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
