from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .harness import Harness


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    harness = Harness(tmp_path)
    yield harness
    harness.engine.close()


@pytest.fixture(scope="session")
def training_pipeline() -> str:
    """The definition of sdk_definitions.training_pipeline, made offline."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        environment.setenv("AWS_ACCESS_KEY_ID", "x")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "y")
        # The SDK asks IAM about the role otherwise, and there is none to ask.
        environment.setenv("SAGEMAKER_VALIDATE_ROLE", "false")
        from .sdk_definitions import training_pipeline

        return training_pipeline()
