"""Fixtures."""

from tests.rehearsal.images.support import bucket, image, settings

__all__ = ["bucket", "image", "settings"]
