"""Starts one execution for each complete drop."""

from infra.trigger.stack import TriggerStack

__all__ = ["TriggerStack"]
