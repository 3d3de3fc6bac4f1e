"""The steps of a definition that start a job, seen alike whatever their type."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.assembly import Definition

_CLUSTER = {
    "Processing": "ProcessingResources.ClusterConfig",
    "Training": "ResourceConfig",
    "Transform": "TransformResources",
}
_IMAGE = {
    "Processing": "AppSpecification.ImageUri",
    "Training": "AlgorithmSpecification.TrainingImage",
}


@dataclass(frozen=True)
class Job:
    """One step that starts a job.

    Attributes:
        name: the step's name.
        type: `Processing`, `Training` or `Transform`.
        step: all of the step.
    """

    name: str
    type: str
    step: Mapping[str, Any]

    @property
    def arguments(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.step["Arguments"]
        return found

    def argument(self, path: str) -> Any:
        """What lies at `A.B.C`; None where there is nothing."""
        value: Any = self.arguments
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    @property
    def cluster_path(self) -> str:
        return _CLUSTER[self.type]

    @property
    def cluster(self) -> Mapping[str, Any]:
        """Instance type and count, volume; empty where the step says nothing."""
        return self.argument(self.cluster_path) or {}

    @property
    def image_path(self) -> str | None:
        """None for a transform job, whose model has the image."""
        return _IMAGE.get(self.type)

    @property
    def is_spot(self) -> bool:
        return bool(self.arguments.get("EnableManagedSpotTraining"))


def jobs(definition: Definition) -> Iterator[Job]:
    """Every step that starts a job, those of branches too."""
    for name, step in definition.steps.items():
        if step["Type"] in _CLUSTER:
            yield Job(name, step["Type"], step)
