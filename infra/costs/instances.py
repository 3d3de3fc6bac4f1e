"""An instance type: what it has, and what it draws."""

from dataclasses import dataclass
from typing import Literal

Use = Literal["processing", "training", "hosting"]
USES: tuple[Use, ...] = ("processing", "training", "hosting")


@dataclass(frozen=True)
class Instance:
    """A SageMaker instance type.

    Attributes:
        name: e.g. `ml.m5.xlarge`.
        gpu: the kind of its GPUs, None where it has none.
        network_gbit: Gbit/s that it has at all times; small ones burst above for minutes.
        idle_watts: what it draws without load, its share of the building included.
        watts: the same at full load.
        uses: what SageMaker takes it for.
    """

    name: str
    vcpus: int
    memory_gib: float
    network_gbit: float
    gpus: int
    gpu: str | None
    idle_watts: float
    watts: float
    uses: tuple[Use, ...]

    @property
    def family(self) -> str:
        """`m5` of `ml.m5.xlarge`."""
        return self.name.split(".")[1]

    @property
    def network_bytes(self) -> float:
        """Bytes/s of its network."""
        return self.network_gbit * 1e9 / 8
