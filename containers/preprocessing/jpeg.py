"""JPEG files by libjpeg-turbo, which decodes to 1/2, 1/4 or 1/8 of the size in less time.

https://github.com/libjpeg-turbo/libjpeg-turbo/blob/main/doc/libjpeg.txt ("scale_num")
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import simplejpeg  # type: ignore[import-untyped]

MAGIC = b"\xff\xd8\xff"
PROGRESSIVE = b"\xff\xc2"
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
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return None
    return JpegHeader(width, height, PROGRESSIVE in data)


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
    position = 2
    while data[position : position + 1] == b"\xff":
        marker = data[position + 1 : position + 2]
        if marker == b"\xda":
            return False
        if marker in (b"\xe1", b"\xff"):
            return True
        position += 2 + int.from_bytes(data[position + 2 : position + 4])
    return True
