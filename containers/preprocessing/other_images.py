"""PNG, WebP and odd JPEG files by Pillow."""

from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

from drops.formats import ImageFormat
from preprocessing.resizing import stretch
from preprocessing.unusable import UnusableImage, damaged

# Pillow's own limit warns from 89 megapixels on and raises at 179: MAXIMUM_PIXELS replaces it.
Image.MAX_IMAGE_PIXELS = None

MAXIMUM_WEBP_SIDE = 1 << 14


def webp_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels; UnusableImage when the header is broken.

    https://developers.google.com/speed/webp/docs/riff_container
    """
    kind, rest = data[12:16], data[20:30]
    if kind == b"VP8X" and len(rest) == 10:
        width, height = (1 + int.from_bytes(rest[i : i + 3], "little") for i in (4, 7))
        # Room for frames, of which none may be larger.
        if max(width, height) > MAXIMUM_WEBP_SIDE:
            raise damaged(f"its canvas is {width} x {height} pixels large")
        return width, height
    if kind == b"VP8L" and len(rest) == 10 and rest[0] == 0x2F:
        bits = int.from_bytes(rest[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and rest[3:6] == b"\x9d\x01\x2a":
        sides = int.from_bytes(rest[6:8], "little"), int.from_bytes(rest[8:10], "little")
        return sides[0] & 0x3FFF, sides[1] & 0x3FFF
    raise damaged("its header is broken")


def open_image(data: bytes, image_format: ImageFormat, size: tuple[int, int]) -> Image.Image:
    """The image with its header read and its pixels not; UnusableImage where that says otherwise
    than `size`, width and height, by which it was judged.
    """
    try:
        image = Image.open(BytesIO(data), formats=[image_format.name.upper()])
    except MemoryError:
        raise
    except Exception as error:  # whatever its readers raise on broken data
        raise _damaged(error) from error
    if image.size != size:
        raise damaged("its headers contradict each other")
    return image


def orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 where there is none or it is broken."""
    # ImageOps.exif_transpose also writes the EXIF data anew, which odd tags of good pictures break.
    try:
        turn = image.getexif().get(ExifTags.Base.Orientation, 1)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - whatever its readers raise on broken data
        return 1
    return turn if isinstance(turn, int) and 1 <= turn <= 8 else 1


def decode_image(image: Image.Image, size: int, scale: int) -> npt.NDArray[np.uint8]:
    """Pixels uint8 [size, size, 3], not turned yet; UnusableImage if the data is broken. A JPEG is
    divided by `scale` as it is decoded: 1, 2, 4 or 8.
    """
    try:
        if scale > 1:
            image.draft(None, (max(1, image.width // scale), max(1, image.height // scale)))
        image.load()
        return _square(image, size)
    except MemoryError:
        raise
    except Exception as error:  # whatever its readers raise on broken data
        raise _damaged(error) from error


def _damaged(error: Exception) -> UnusableImage:
    # Some have no words, and these would name an object in memory.
    words = "its header is broken" if isinstance(error, UnidentifiedImageError) else str(error)
    return damaged(words or type(error).__name__)


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
