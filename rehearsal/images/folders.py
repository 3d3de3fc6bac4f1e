"""Where the rehearsal keeps its images and environments, told by variables: the CDK CLI starts us,
and hands on nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from rehearsal.images.errors import ImageError


def state_folder(variables: Mapping[str, str] = os.environ) -> Path:
    """Where the rehearsal keeps its state.

    :raises ImageError: the variable that says so is not set.
    """
    return _folder("REHEARSAL_STATE", variables)


def cache_folder(variables: Mapping[str, str] = os.environ) -> Path:
    """Where the rehearsal keeps environments and wheels.

    :raises ImageError: the variable that says so is not set.
    """
    return _folder("REHEARSAL_CACHE", variables)


def _folder(name: str, variables: Mapping[str, str]) -> Path:
    value = variables.get(name)
    if not value:
        raise ImageError(
            f'{name} is not set: run eval "$(./scripts/local-aws env)" in this shell first.'
        )
    return Path(value)
