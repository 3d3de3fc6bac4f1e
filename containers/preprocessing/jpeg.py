"""JPEG files by libjpeg-turbo, which decodes to 1/2, 1/4 or 1/8 of the size in less time.

https://github.com/libjpeg-turbo/libjpeg-turbo/blob/main/doc/libjpeg.txt ("scale_num")
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import simplejpeg  # type: ignore[import-untyped]

MAGIC = b"\xff\xd8\xff"
# Markers (ITU-T T.81, table B.1), each after a byte FILL.
FILL, START_OF_SCAN, APPLICATION = 0xFF, 0xDA, 0xE1
PROGRESSIVE_FRAMES = (0xC2, 0xC6, 0xCA, 0xCE)
FRAMES = (0xC0, 0xC1, 0xC3, 0xC5, 0xC7, 0xC9, 0xCB, 0xCD, 0xCF, *PROGRESSIVE_FRAMES)
# Other fractions exist, but their transforms are slower than the pixels that they save.
SCALES = (8, 4, 2)
# libjpeg-turbo's warnings (jerror.h) after which pixels are missing or wrong.
DAMAGE = (
    "remature end of",
    "bad Huffman code",
    "bad arithmetic code",
    "instead of RST",
    "Inconsistent progression",
)


class DamagedJpeg(Exception):  # noqa: N818 - it says what the file is
    """Pixels of it are missing or wrong; the message is the decoder's."""


@dataclass(frozen=True)
class JpegHeader:
    """Sizes in pixels; progressive: its coefficients are all in memory while it is decoded."""

    width: int
    height: int
    progressive: bool

    def scale(self, size: int) -> int:
        """The divisor to decode with: the largest that leaves `size` pixels in each direction."""
        shorter = min(self.width, self.height)
        return next((scale for scale in SCALES if shorter >= scale * size), 1)


def read_jpeg_header(data: bytes) -> JpegHeader | None:
    """None when it is no JPEG, or one that only another reader can judge."""
    if not data.startswith(MAGIC):
        return None
    for marker, position in _segments(data):
        if marker in FRAMES:
            height, width = struct.unpack_from(">HH", data, position + 3)
            if not height or not width:
                return None
            return JpegHeader(width, height, progressive=marker in PROGRESSIVE_FRAMES)
    return None


def decode_jpeg(data: bytes, header: JpegHeader, size: int) -> npt.NDArray[np.uint8] | None:
    """Pixels uint8 [height, width, 3], RGB, both sides at least `size` if the picture's are.

    None when another reader must judge: the picture is odd, but may be whole.
    Raises DamagedJpeg.
    """
    scale = header.scale(size)
    try:
        pixels: npt.NDArray[np.uint8] = simplejpeg.decode_jpeg(
            data,
            "RGB",
            min_height=-(-header.height // scale),
            min_width=-(-header.width // scale),
        )
    except ValueError as error:
        if any(damage in str(error) for damage in DAMAGE):
            raise DamagedJpeg(str(error)) from error
        return None
    return pixels


def has_application_data(data: bytes) -> bool:
    """Whether a segment before the pixels may hold EXIF or XMP (APP1), and so an orientation."""
    return any(marker == APPLICATION for marker, _ in _segments(data))


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """The marker of each segment before the pixels, and where its length stands."""
    position = 2
    while position + 9 < len(data) and data[position] == FILL:
        marker = data[position + 1]
        if marker == FILL:
            position += 1
            continue
        if marker == START_OF_SCAN:
            return
        yield marker, position + 2
        position += 2 + int.from_bytes(data[position + 2 : position + 4])
