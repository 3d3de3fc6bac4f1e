"""What an execution has written of its data and of its model."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from functions.shared import Documents

logger = logging.getLogger(__name__)
Content = TypeVar("Content")

DATASET = "lineage/{}/dataset.json"
EVALUATION = "executions/{}/evaluation/evaluation.json"


@dataclass(frozen=True)
class Accuracy:
    """On the test channel: of the model, and of the one that served meanwhile, if any."""

    value: float
    serving: float | None = None

    def __str__(self) -> str:
        served = "" if self.serving is None else f"; the model that serves has {self.serving:.4f}"
        return f"{self.value:.4f} on the test channel{served}"


@dataclass(frozen=True)
class Outputs:
    """Of executions, in the two buckets that hold them."""

    working: Documents
    artifacts: Documents

    def objects(self, execution_id: str) -> int | None:
        """How many images the dataset has; None where the execution did not come so far."""
        return _read(self.artifacts, DATASET.format(execution_id), lambda d: int(d["objects"]))

    def accuracy(self, execution_id: str) -> Accuracy | None:
        """None where the execution did not come so far."""
        return _read(self.working, EVALUATION.format(execution_id), _accuracies)


def _read(
    documents: Documents, key: str, reading: Callable[[dict[str, Any]], Content]
) -> Content | None:
    """None where it is not there; a document that is none must not keep the rest from people."""
    try:
        found = documents.read(key)
        return reading(found[0]) if found else None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        logger.warning("%s is not as expected, and left out: %r", key, error)
        return None


def _accuracies(evaluation: dict[str, Any]) -> Accuracy:
    serving = evaluation.get("serving")
    return Accuracy(_accuracy(evaluation), _accuracy(serving) if serving else None)


def _accuracy(metrics: dict[str, Any]) -> float:
    return float(metrics["multiclass_classification_metrics"]["accuracy"]["value"])
