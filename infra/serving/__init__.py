"""The endpoint, and how an approved model reaches it."""

from infra.serving.stack import ServingStack

__all__ = ["ServingStack"]
