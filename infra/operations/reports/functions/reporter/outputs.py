"""What an execution has written of its data and of its model."""

from dataclasses import dataclass
from typing import Any

from .documents import Documents

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
        found = self.artifacts.read(DATASET.format(execution_id))
        return int(found[0]["objects"]) if found else None

    def accuracy(self, execution_id: str) -> Accuracy | None:
        """None where the execution did not come so far."""
        found = self.working.read(EVALUATION.format(execution_id))
        if found is None:
            return None
        serving = found[0].get("serving")
        return Accuracy(_accuracy(found[0]), _accuracy(serving) if serving else None)


def _accuracy(metrics: dict[str, Any]) -> float:
    return float(metrics["multiclass_classification_metrics"]["accuracy"]["value"])
