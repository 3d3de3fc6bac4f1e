"""What can go wrong with an image."""


class ImageError(Exception):
    """One sentence: what is wrong with an image, where, and what to do."""
