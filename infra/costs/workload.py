"""What a run of the pipeline has to get through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Workload:
    """The dataset of a run, and what it is started with.

    Attributes:
        objects: image files in all channels together.
        mean_bytes: mean size of a file.
        parameters: of the execution, instead of the definition's defaults, e.g. {"Epochs": 5}.
    """

    objects: int
    mean_bytes: float
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises:
        ValueError: no objects, or no bytes.
        """
        if self.objects < 1 or self.mean_bytes <= 0:
            raise ValueError(
                f"A workload of {self.objects} objects of {self.mean_bytes:g} bytes is none: give "
                "at least one object with at least one byte"
            )


# What estimates are told of where nobody says another: ./scripts/plan does.
EXAMPLE = Workload(objects=1_000_000, mean_bytes=110_000)
