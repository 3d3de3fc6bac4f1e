"""What a run of the pipeline has to get through."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """The dataset of a run.

    :ivar objects: image files in all channels together.
    :ivar mean_bytes: mean size of a file.
    """

    objects: int
    mean_bytes: float

    def __post_init__(self) -> None:
        """:raises ValueError: no objects, or no bytes."""
        if self.objects < 1 or self.mean_bytes <= 0:
            raise ValueError(
                f"A workload of {self.objects} objects of {self.mean_bytes:g} bytes is none: give "
                "at least one object with at least one byte"
            )
