"""Fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rehearsal.jobs.backend import ProcessBackend
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.images.support import bucket, image, settings

__all__ = ["bucket", "image", "settings"]


@pytest.fixture
def backend(settings: RehearsalSettings) -> Iterator[ProcessBackend]:
    backend = ProcessBackend(settings, grace_seconds=2)
    yield backend
    backend.close()
