"""Fixtures."""

from __future__ import annotations

from tests.rehearsal.images.support import bucket, image, settings
from tests.rehearsal.jobs.conftest import backend

__all__ = ["backend", "bucket", "image", "settings"]
