"""The one definition of how an image file becomes pixels, for training and for serving."""

from preprocessing.decoding import (
    MAXIMUM_BYTES,
    MAXIMUM_PIXELS,
    decode,
    decoding_bytes,
    too_many_bytes,
)
from preprocessing.unusable import UnusableImage

__all__ = [
    "MAXIMUM_BYTES",
    "MAXIMUM_PIXELS",
    "UnusableImage",
    "decode",
    "decoding_bytes",
    "too_many_bytes",
]
