"""Where SageMaker puts a training job's files and looks for its results.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

OPT_ML = Path("/opt/ml")


@dataclass(frozen=True)
class Folders:
    """The folders of one host, below `root`."""

    root: Path = OPT_ML

    @property
    def config(self) -> Path:
        return self.root / "input" / "config"

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def made(self) -> Path:
        """Where a model is made before it is moved to `model`: SageMaker leaves it alone."""
        return self.root / ".model"

    @property
    def data(self) -> Path:
        return self.root / "output" / "data"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def tensorboard(self) -> Path:
        return self.root / "output" / "tensorboard"

    @property
    def failure(self) -> Path:
        return self.root / "output" / "failure"

    def channel(self, name: str) -> Path:
        return self.root / "input" / "data" / name
