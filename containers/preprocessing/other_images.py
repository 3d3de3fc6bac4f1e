"""PNG, WebP and odd JPEG files by Pillow."""

import struct
import zlib
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

from preprocessing.resizing import stretch
from preprocessing.unusable import UnusableImage, damaged

FORMATS = ("JPEG", "PNG", "WEBP")
# Named in the reason when one of them is refused; their pixels are never read.
REFUSED_FORMATS = ("AVIF", "BMP", "GIF", "ICO", "JPEG2000", "PPM", "TIFF")

# Pillow's own limit warns from 89 megapixels on and raises at 179: MAXIMUM_PIXELS replaces it.
Image.MAX_IMAGE_PIXELS = None

# What Pillow's readers raise on broken data; anything else is a fault of the program.
BROKEN_DATA = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    TypeError,
    struct.error,
    zlib.error,
)


def open_image(data: bytes) -> Image.Image:
    """The image with its header read and its pixels not; UnusableImage if there is none."""
    try:
        return Image.open(BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise _no_image(data) from None
    except BROKEN_DATA as error:
        raise damaged(error) from error


def orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 where there is none or it is broken."""
    # ImageOps.exif_transpose also writes the EXIF data anew, which odd tags of good pictures break.
    try:
        turn = image.getexif().get(ExifTags.Base.Orientation, 1)
    except BROKEN_DATA:
        return 1
    return turn if turn in range(1, 9) else 1


def decode_image(image: Image.Image, size: int, scale: int) -> npt.NDArray[np.uint8]:
    """Pixels uint8 [size, size, 3], not turned yet; UnusableImage if the data is broken.

    scale: what a JPEG is divided by as it is decoded: 1, 2, 4 or 8.
    """
    try:
        image.draft(None, (max(1, image.width // scale), max(1, image.height // scale)))
        return _square(image, size)
    except BROKEN_DATA as error:
        raise damaged(error) from error


def _square(image: Image.Image, size: int) -> npt.NDArray[np.uint8]:
    if image.mode == "I" or image.mode.startswith("I;16"):
        # Pillow's own conversion clips at 255 instead of scaling.
        grey = stretch(np.asarray(image).astype(np.uint16), size).astype(np.uint32)
        return _three_channels(((grey * 255 + 32767) // 65535).astype(np.uint8))
    if image.has_transparency_data:
        # Premultiplied: what is transparent must not colour its neighbours.
        premultiplied = stretch(np.asarray(image.convert("RGBA").convert("RGBa")), size)
        colour, alpha = premultiplied[..., :3], premultiplied[..., 3:]
        on_white = np.minimum(colour.astype(np.uint16) + (255 - alpha), 255)
        return np.asarray(on_white, np.uint8)
    if image.mode in ("1", "L"):
        return _three_channels(stretch(np.asarray(image.convert("L")), size))
    return stretch(np.asarray(image.convert("RGB")), size)


def _three_channels(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.repeat(grey[..., np.newaxis], 3, axis=2)


def _no_image(data: bytes) -> UnusableImage:
    try:
        format_name = Image.open(BytesIO(data), formats=REFUSED_FORMATS).format
    except BROKEN_DATA:
        kind = "is no JPEG, PNG or WebP image"
        return UnusableImage(f"{kind}, or its header is broken", kind)
    kind = f"is a {format_name} image"
    return UnusableImage(f"{kind}; only JPEG, PNG and WebP are read", kind)
