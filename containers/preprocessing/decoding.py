"""Decodes JPEG, PNG and WebP files with Pillow."""

import struct
import zlib
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP")
# Named in the reason when one of them is refused; their pixels are never read.
REFUSED_FORMATS = ("AVIF", "BMP", "GIF", "ICO", "JPEG2000", "PPM", "TIFF")
MAXIMUM_PIXELS = 100_000_000
# Pixels kept for each one of the result before the exact resize, so that the shortcut is not seen.
REDUCING_GAP = 3.0
BACKGROUND = (255, 255, 255, 255)

# Pillow's own limit warns from 89 megapixels on and raises at 179: MAXIMUM_PIXELS replaces it.
Image.MAX_IMAGE_PIXELS = None

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

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


class UnusableImage(Exception):  # noqa: N818 - it says what the file is, and reads so in `except`
    """A file that gives no pixels. The message is a reason clause: "is empty (0 bytes)"."""


def decode(data: bytes, size: int) -> npt.NDArray[np.uint8]:
    """Pixels of an image file: uint8 [size, size, 3], RGB, row-major.

    The whole picture, upright by its EXIF orientation, is stretched to a square: nothing is cropped
    away and no border is invented. It is antialiased (bicubic) where it shrinks. Transparent pixels
    lie on white, 16-bit grey is scaled to 8 bits, and of an animation the first frame counts.
    Colour profiles are not applied.

    size: pixels, 1 or more, else ValueError.
    Raises UnusableImage for a file that is empty, truncated, no image, of another format than
    JPEG, PNG and WebP, or larger than MAXIMUM_PIXELS (seen in its header, before decoding).
    """
    if size < 1:
        raise ValueError(f"The size must be 1 pixel or more, not {size}.")
    if not data:
        raise UnusableImage("is empty (0 bytes)")
    image = _open(data)
    width, height = image.size
    if width * height > MAXIMUM_PIXELS:
        raise UnusableImage(
            f"has {width} x {height} pixels, above the limit of {MAXIMUM_PIXELS:,} in all"
        )
    try:
        pixels = _upright_rgb(image, size)
    except BROKEN_DATA as error:
        raise UnusableImage(f"cannot be decoded: {error}") from error
    return np.asarray(pixels, dtype=np.uint8)


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise UnusableImage(_reason_of_no_image(data)) from None
    except BROKEN_DATA as error:
        raise UnusableImage(f"cannot be decoded: {error}") from error


def _reason_of_no_image(data: bytes) -> str:
    try:
        format_name = Image.open(BytesIO(data), formats=REFUSED_FORMATS).format
    except BROKEN_DATA:
        return "is no JPEG, PNG or WebP image, or its header is broken"
    return f"is a {format_name} image; only JPEG, PNG and WebP are read"


def _upright_rgb(image: Image.Image, size: int) -> Image.Image:
    # A JPEG decodes to 1/2, 1/4 or 1/8 of its size at a fraction of the time.
    image.draft(None, (round(size * REDUCING_GAP), round(size * REDUCING_GAP)))
    square = _eight_bit_colour(image).resize(
        (size, size), Image.Resampling.BICUBIC, reducing_gap=REDUCING_GAP
    )
    # The square is turned, not the picture: the same pixels for less memory.
    turn = _turn(image)
    upright = square if turn is None else square.transpose(turn)
    if upright.mode == "RGBA":
        upright = Image.alpha_composite(Image.new("RGBA", upright.size, BACKGROUND), upright)
    return upright.convert("RGB")


def _turn(image: Image.Image) -> Image.Transpose | None:
    # ImageOps.exif_transpose also writes the EXIF data anew, which odd tags of good pictures break.
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except BROKEN_DATA:
        return None


def _eight_bit_colour(image: Image.Image) -> Image.Image:
    if image.mode == "I" or image.mode.startswith("I;16"):
        # Pillow's own conversion clips at 255 instead of scaling.
        grey = np.asarray(image, dtype=np.uint32)
        return Image.fromarray(((grey * 255 + 32767) // 65535).astype(np.uint8)).convert("RGB")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
