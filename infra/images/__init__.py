"""The three container images."""

from infra.images.stack import ImagesStack

__all__ = ["ImagesStack"]
