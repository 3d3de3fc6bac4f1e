"""Decodes JPEG, PNG and WebP files."""

import numpy as np
import numpy.typing as npt

from preprocessing.jpeg import (
    DamagedJpeg,
    JpegHeader,
    decode_jpeg,
    has_application_data,
    read_jpeg_header,
)
from preprocessing.other_images import decode_image, open_image, orientation
from preprocessing.resizing import stretch
from preprocessing.unusable import UnusableImage, damaged

MAXIMUM_PIXELS = 100_000_000

UPRIGHT = 1
# EXIF orientations whose rows and columns change places before the others' reversals.
TRANSPOSED = (5, 6, 7, 8)
REVERSED_ROWS = (3, 4, 7, 8)
REVERSED_COLUMNS = (2, 3, 6, 7)


def decode(data: bytes, size: int) -> npt.NDArray[np.uint8]:
    """Pixels of an image file: uint8 [size, size, 3], RGB, row-major.

    The whole picture, upright by its EXIF orientation, is stretched to a square: nothing is cropped
    away and no border is invented. It is antialiased where it shrinks. Transparent pixels lie on
    white, 16-bit grey is scaled to 8 bits, and of an animation the first frame counts. Colour
    profiles are not applied. A JPEG much larger than the square is decoded at a fraction of its
    size; the README says what that changes.

    size: pixels, 1 or more, else ValueError.
    Raises UnusableImage for a file that is empty, truncated, damaged, no image, of another format
    than JPEG, PNG and WebP, or larger than MAXIMUM_PIXELS (seen in its header, before decoding).
    """
    if size < 1:
        raise ValueError(f"The size must be 1 pixel or more, not {size}.")
    if not data:
        raise UnusableImage("is empty (0 bytes)", "is empty")
    header = read_jpeg_header(data)
    if header is None:
        return _decode_other(data, size, scale=1)
    _refuse_above_limit(header.width, header.height)
    try:
        pixels = decode_jpeg(data, header, size)
    except DamagedJpeg as damage:
        raise damaged(damage) from damage
    if pixels is None:
        return _decode_other(data, size, header.scale(size))
    turn = orientation(open_image(data)) if has_application_data(data) else UPRIGHT
    return _upright(stretch(pixels, size), turn)


def decoding_bytes(data: bytes, size: int) -> int:
    """About the most memory that `decode` takes for a file beside `data`, by its header; 0 if it
    is refused.
    """
    header = read_jpeg_header(data) if data else None
    if header is not None:
        return _jpeg_bytes(header, size)
    try:
        image = open_image(data)
    except UnusableImage:
        return 0
    pixels = image.width * image.height
    # Pillow's pixels and its conversions, 4 bytes each, and NumPy's copy of the last.
    return 20 * pixels if pixels <= MAXIMUM_PIXELS else 0


def _jpeg_bytes(header: JpegHeader, size: int) -> int:
    pixels = header.width * header.height
    if pixels > MAXIMUM_PIXELS:
        return 0
    # 2 bytes for each of up to 4 coefficients; 4 for a pixel and 3 for its copy.
    coefficients = 8 * pixels if header.progressive else 0
    return coefficients + 7 * pixels // header.scale(size) ** 2


def _decode_other(data: bytes, size: int, scale: int) -> npt.NDArray[np.uint8]:
    image = open_image(data)
    _refuse_above_limit(image.width, image.height)
    turn = orientation(image)
    return _upright(decode_image(image, size, scale), turn)


def _refuse_above_limit(width: int, height: int) -> None:
    if width * height > MAXIMUM_PIXELS:
        raise UnusableImage(
            f"has {width} x {height} pixels, above the limit of {MAXIMUM_PIXELS:,} in all",
            "has too many pixels",
        )


def _upright(square: npt.NDArray[np.uint8], turn: int) -> npt.NDArray[np.uint8]:
    # The square is turned, not the picture: less memory and time.
    if turn in TRANSPOSED:
        square = square.transpose(1, 0, 2)
    if turn in REVERSED_ROWS:
        square = square[::-1]
    if turn in REVERSED_COLUMNS:
        square = square[:, ::-1]
    return np.ascontiguousarray(square)
