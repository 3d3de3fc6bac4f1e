"""Decodes JPEG, PNG and WebP files."""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drops.formats import HEAD_BYTES, JPEG, PNG, WEBP, ImageFormat, format_of, refusal
from preprocessing.jpeg import JpegHeader, decode_jpeg, read_jpeg_header, refuse_many_scans
from preprocessing.other_images import decode_image, open_image, orientation, webp_size
from preprocessing.png import essential, read_png_header
from preprocessing.resizing import stretch
from preprocessing.unusable import UnusableImage

MAXIMUM_PIXELS = 100_000_000
# As many pixels of 16 bits in four colours, and as much again.
MAXIMUM_BYTES = 1 << 30

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
    size; docs/benchmarks.md says how near that comes.

    It runs native code on whatever the bytes are: `IsolatedDecoder` is for bytes from outside. What
    it raises beside the following is a fault of this program.

    Args:
        size: pixels, 1 or more.

    Raises:
        UnusableImage: the file is empty, truncated, no image, of another format than JPEG, PNG and
            WebP, or beyond MAXIMUM_PIXELS, MAXIMUM_BYTES or a JPEG's budget of scans (seen in its
            headers, before decoding); or it is damaged, as far as its format shows it: each chunk
            of a PNG that matters has a checksum, but a JPEG or a WebP may be decoded to other
            pixels.
        ValueError: the size is none.
        MemoryError: memory is short.
    """
    if size < 1:
        raise ValueError(f"The size must be 1 pixel or more, not {size}.")
    header = _read_header(data)
    if header.jpeg:
        return _decode_jpeg(data, header, header.jpeg, size)
    if header.format is PNG:
        data = essential(data, read_png_header(data))
    return _decode_by_pillow(data, header, size, scale=1)


def decoding_bytes(data: bytes, size: int) -> int:
    """About the most memory that `decode` takes for a file beside `data`, by its header; 0 if it
    is refused. No native code sees the file.
    """
    try:
        header = _read_header(data)
    except UnusableImage:
        return 0
    pixels = header.width * header.height
    if header.jpeg:
        # 2 bytes for each of up to 4 coefficients; 4 for a pixel and 3 for its copy.
        coefficients = 8 * pixels if header.jpeg.progressive else 0
        return coefficients + 7 * pixels // header.jpeg.scale(size) ** 2
    # Pillow's pixels and its conversions, 4 bytes each, and NumPy's copy of the last; a PNG's copy.
    return 20 * pixels + (len(data) if header.format is PNG else 0)


def too_many_bytes(size: int) -> UnusableImage:
    """What to raise for a file of `size` bytes, more than MAXIMUM_BYTES."""
    return UnusableImage(
        f"has {size:,} bytes, above the limit of {MAXIMUM_BYTES:,}", "has too many bytes"
    )


@dataclass(frozen=True)
class _Header:
    format: ImageFormat
    width: int
    height: int
    jpeg: JpegHeader | None = None


def _read_header(data: bytes) -> _Header:
    head = data[:HEAD_BYTES]
    image_format = format_of(head)
    if image_format is None:
        raise UnusableImage(*refusal(head))
    if len(data) > MAXIMUM_BYTES:
        raise too_many_bytes(len(data))
    if image_format is JPEG:
        jpeg = read_jpeg_header(data)
        header = _Header(image_format, jpeg.width, jpeg.height, jpeg)
    elif image_format is WEBP:
        header = _Header(image_format, *webp_size(data))
    else:
        png = read_png_header(data)
        header = _Header(image_format, png.width, png.height)
    if header.width * header.height > MAXIMUM_PIXELS:
        raise UnusableImage(
            f"has {header.width} x {header.height} pixels, above the limit of {MAXIMUM_PIXELS:,} "
            "in all",
            "has too many pixels",
        )
    return header


def _decode_jpeg(
    data: bytes, header: _Header, jpeg: JpegHeader, size: int
) -> npt.NDArray[np.uint8]:
    refuse_many_scans(data, jpeg)
    pixels = decode_jpeg(data, jpeg, size)
    if pixels is None:
        return _decode_by_pillow(data, header, size, jpeg.scale(size))
    turn = UPRIGHT
    if jpeg.has_application_data:
        # Where Pillow finds fault with a header that libjpeg-turbo takes, the pixels count.
        with suppress(UnusableImage):
            turn = orientation(open_image(data, JPEG, (header.width, header.height)))
    return _upright(stretch(pixels, size), turn)


def _decode_by_pillow(data: bytes, header: _Header, size: int, scale: int) -> npt.NDArray[np.uint8]:
    image = open_image(data, header.format, (header.width, header.height))
    # Pixels first: to look for an orientation, Pillow may read them, and its refusal is lost there.
    square = decode_image(image, size, scale)
    return _upright(square, orientation(image))


def _upright(square: npt.NDArray[np.uint8], turn: int) -> npt.NDArray[np.uint8]:
    # The square is turned, not the picture: less memory and time.
    if turn in TRANSPOSED:
        square = square.transpose(1, 0, 2)
    if turn in REVERSED_ROWS:
        square = square[::-1]
    if turn in REVERSED_COLUMNS:
        square = square[:, ::-1]
    return np.ascontiguousarray(square)
