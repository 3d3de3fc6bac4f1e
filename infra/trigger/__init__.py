"""Starts executions for complete drops and for drift."""

from infra.trigger.stack import TriggerStack

__all__ = ["TriggerStack"]
