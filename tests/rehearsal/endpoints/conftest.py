"""Fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from rehearsal.backends import Variant
from rehearsal.endpoints.backend import ProcessEndpoints
from rehearsal.endpoints.instance import Timing
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.endpoints.support import SERVER, put_model
from tests.rehearsal.images.support import ROLE, bucket, image, push_image, settings

__all__ = ["bucket", "image", "settings"]


@pytest.fixture(scope="session")
def server_image(settings: RehearsalSettings, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URI of the image of `support.SERVER`."""
    return push_image(settings, tmp_path_factory.mktemp("image") / "context", SERVER)


@pytest.fixture
def timing() -> Timing:
    return Timing(alarms_every=0.1, metrics_every=0.2, capture_every=0.2)


@pytest.fixture
def endpoints(settings: RehearsalSettings, timing: Timing) -> Iterator[ProcessEndpoints]:
    endpoints = ProcessEndpoints(settings, timing)
    yield endpoints
    endpoints.close()


@pytest.fixture
def variant(settings: RehearsalSettings, server_image: str, bucket: str) -> Callable[..., Variant]:
    """Makes a variant whose model is an archive with one file, its name."""

    def make(name: str = "AllTraffic", model: str = "first", **changes: Any) -> Variant:
        made = Variant(
            name=name,
            image=server_image,
            model_data_url=put_model(settings, bucket, model),
            environment={"GREETING": "hello"},
            instance_count=1,
            weight=1.0,
            role_arn=ROLE,
        )
        return replace(made, **changes)

    return make
