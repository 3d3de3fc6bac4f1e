"""What tells people that something is wrong, and what they look at then."""

from infra.operations.stack import OperationsStack

__all__ = ["OperationsStack"]
