"""The pipeline that turns drops into a registered model."""

from infra.training.offline import offline

# The SageMaker SDK makes AWS clients while it is imported.
with offline():
    from infra.training.stack import TrainingStack

__all__ = ["TrainingStack"]
