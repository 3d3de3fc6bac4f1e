"""The pipeline that turns drops into a registered model."""

from infra.training.stack import TrainingStack

__all__ = ["TrainingStack"]
