"""What can go wrong with an image."""

from __future__ import annotations


class ImageError(Exception):
    """One sentence: what is wrong with an image, where, and what to do."""
