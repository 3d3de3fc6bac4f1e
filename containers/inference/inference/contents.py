"""What a request may hold as an image, and how that becomes pixels."""

import base64
import binascii

import numpy as np
import numpy.typing as npt

from inference.processing import preprocess
from preprocessing import UnusableImage, decoding_bytes
from preprocessing.resizing import stretch

Pixels = npt.NDArray[np.uint8]
Content = bytes | str | Pixels
"""An image file, the same in base64, or pixels uint8 [height, width, 3]."""

# Images that take more than this to be decoded are decoded one after the other.
LARGE_BYTES = 32 * 1024 * 1024


def unpacked(content: Content) -> bytes | Pixels:
    """The content without its base64.

    Raises:
        UnusableImage: it is no base64.
    """
    if not isinstance(content, str):
        return content
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        kind = "is no base64"
        raise UnusableImage(f"{kind} ({error})", kind) from error


def weigh(image: bytes | Pixels, size: int, limit: int) -> int:
    """About the bytes of memory that decoding takes, by the image's header.

    Raises:
        UnusableImage: it would take more than `limit`.
    """
    if not isinstance(image, bytes):
        return 0
    needed = decoding_bytes(image, size)
    if needed > limit:
        raise UnusableImage(
            f"has so many pixels that decoding it takes about {needed >> 20} MB of memory, above "
            f"the limit of {limit >> 20} MB",
            "has too many pixels",
        )
    return needed


def pixels_of(image: bytes | Pixels, size: int) -> Pixels:
    """Pixels uint8 [size, size, 3].

    Raises:
        UnusableImage: see `preprocessing.decode`.
    """
    if isinstance(image, bytes):
        return preprocess(image, size)
    if image.shape == (size, size, 3):
        return image
    return stretch(np.ascontiguousarray(image), size)
