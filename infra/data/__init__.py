"""Buckets for drops, working data and artefacts, and the key of the instances' volumes."""

from infra.data.stack import DataStack

__all__ = ["DataStack"]
