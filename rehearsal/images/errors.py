"""What can go wrong with an image, and the folders where images and environments are kept."""

import os
from pathlib import Path

from rehearsal.settings import default_cache


class ImageError(Exception):
    """One sentence: what is wrong with an image, where, and what to do."""


def state_folder() -> Path:
    """Where the rehearsal keeps its state.

    Raises:
        ImageError: `REHEARSAL_STATE` is not set.
    """
    value = os.environ.get("REHEARSAL_STATE")
    if not value:
        raise ImageError(
            'REHEARSAL_STATE is not set: run eval "$(./scripts/local-aws env)" in this shell first.'
        )
    return Path(value)


def cache_folder() -> Path:
    """Where environments and wheels are kept: `REHEARSAL_CACHE`, or the user's cache folder."""
    value = os.environ.get("REHEARSAL_CACHE")
    return Path(value) if value else default_cache()
