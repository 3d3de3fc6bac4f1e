"""The one definition of how an image file becomes pixels, for training and for serving."""

from preprocessing.decoding import MAXIMUM_PIXELS, UnusableImage, decode

__all__ = ["MAXIMUM_PIXELS", "UnusableImage", "decode"]
