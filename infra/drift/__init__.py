"""Are the classes that are answered still those that were trained on, and what if they are not."""

from infra.drift.drift import Drift
from infra.drift.props import DriftProps

__all__ = ["Drift", "DriftProps"]
