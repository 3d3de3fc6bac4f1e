"""JPEG files by libjpeg-turbo, which decodes to 1/2, 1/4 or 1/8 of the size in less time.

https://github.com/libjpeg-turbo/libjpeg-turbo/blob/main/doc/libjpeg.txt ("scale_num")
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import simplejpeg  # type: ignore[import-untyped]

from drops.formats import TAKEN_NAMES
from preprocessing.unusable import UnusableImage, damaged

# Markers (ITU-T T.81, table B.1), each after a byte FILL.
FILL, START_OF_SCAN, END_OF_IMAGE, APPLICATION = 0xFF, 0xDA, 0xD9, 0xE1
# No length and no data follow these.
ALONE = (0x01, *range(0xD0, 0xDA))
# Frames of cosine transforms, which alone can be decoded at a fraction of their size.
TRANSFORMED_FRAMES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)
PROGRESSIVE_FRAMES = (0xC2, 0xCA)
LOSSLESS_FRAME = 0xC3
REFUSED_FRAMES = {
    **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF, 0xDE), "hierarchical"),
    0xCB: "lossless with arithmetic coding",
}
JPEG_LS_FRAME = 0xF7
FRAMES = (*TRANSFORMED_FRAMES, LOSSLESS_FRAME, *REFUSED_FRAMES, JPEG_LS_FRAME)
SAMPLE_BITS = 8
# Other fractions exist, but their transforms are slower than the pixels that they save.
SCALES = (8, 4, 2)
# Every scan goes over all pixels. Encoders write 1 to 12, or some dozen; these take under a second.
MAXIMUM_SCANS = 1_000
MAXIMUM_SCANNED_PIXELS = 2_000_000_000
MAXIMUM_SEGMENTS = 10_000
# What ends the data of a scan: it has 0 after each FILL of its own, or counts a restart.
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# libjpeg-turbo's warnings (jerror.h) after which pixels are missing or wrong.
DAMAGE = (
    "remature end of",
    "bad Huffman code",
    "bad arithmetic code",
    "instead of RST",
    "Inconsistent progression",
)


@dataclass(frozen=True)
class JpegHeader:
    """What a file says of itself before its pixels; sizes in pixels.

    Attributes:
        has_application_data: a segment APP1 may hold EXIF or XMP, and so an orientation.
        pixels_place: where the first scan begins.
        several_scans: more may follow it; else libjpeg-turbo refuses those that do.
    """

    width: int
    height: int
    frame: int
    has_application_data: bool
    pixels_place: int
    several_scans: bool

    @property
    def progressive(self) -> bool:
        """Its coefficients are all in memory while it is decoded."""
        return self.frame in PROGRESSIVE_FRAMES

    def scale(self, size: int) -> int:
        """The divisor to decode with: the largest that leaves `size` pixels in each direction."""
        if self.frame not in TRANSFORMED_FRAMES:
            return 1
        shorter = min(self.width, self.height)
        return next((scale for scale in SCALES if shorter >= scale * size), 1)


def read_jpeg_header(data: bytes) -> JpegHeader:
    """The header.

    Raises:
        UnusableImage: it is broken or of a kind that is not read.
    """
    frame: tuple[int, int] | None = None
    application_data = False
    for count, (marker, place) in enumerate(_segments(data)):
        if count == MAXIMUM_SEGMENTS:
            raise damaged(f"it has more than {MAXIMUM_SEGMENTS:,} segments before its pixels")
        if marker == START_OF_SCAN:
            if frame is None:
                raise damaged("its pixels come before its size")
            width, height, components = _size(data, *frame)
            several = frame[0] in PROGRESSIVE_FRAMES or data[place + 2] < components
            return JpegHeader(width, height, frame[0], application_data, place - 2, several)
        if marker in FRAMES:
            if frame is not None:
                raise damaged("it has two frame headers")
            frame = marker, place
        application_data = application_data or marker == APPLICATION
    raise damaged("it ends before its pixels")


def _size(data: bytes, marker: int, place: int) -> tuple[int, int, int]:
    """Width, height and components of the frame header whose length stands at `place`."""
    if marker == JPEG_LS_FRAME:
        kind = "is a JPEG-LS image"
        raise UnusableImage(f"{kind}; only {TAKEN_NAMES} are read", kind)
    if marker in REFUSED_FRAMES:
        raise _kind_not_read(REFUSED_FRAMES[marker])
    if len(data) < place + 8:
        raise damaged("it ends within its frame header")
    length, bits, height, width, components = struct.unpack_from(">HBHHB", data, place)
    if length != 8 + 3 * components:
        raise damaged("its frame header has a wrong length")
    if bits != SAMPLE_BITS:
        raise _kind_not_read(f"{bits} bits a sample")
    if not height or not width:
        raise damaged(f"it is {width} x {height} pixels large by its header")
    return width, height, components


def _kind_not_read(name: str) -> UnusableImage:
    kind = "is a JPEG of a kind that is not read"
    return UnusableImage(f"{kind} ({name}): save it as one of 8 bits a sample", kind)


def refuse_many_scans(data: bytes, header: JpegHeader) -> None:
    """Refuses what takes far longer to decode than any file that encoders write.

    Raises:
        UnusableImage: it does.
    """
    if not header.several_scans:
        return
    blocks = -(-header.width // 8) * -(-header.height // 8)
    most = min(MAXIMUM_SCANS, MAXIMUM_SCANNED_PIXELS // (64 * blocks))
    scans, place = 0, header.pixels_place
    while scans <= most and (found := MARKER.search(data, place)):
        marker, place = found[0][1], found.end()
        if marker == END_OF_IMAGE:
            return
        scans += marker == START_OF_SCAN
        if marker not in ALONE:
            place += max(2, int.from_bytes(data[place : place + 2]))
    if scans > most:
        raise UnusableImage(
            f"has more than {most} scans of {header.width} x {header.height} pixels, as no encoder "
            "writes: save it anew",
            "has too many scans",
        )


def decode_jpeg(data: bytes, header: JpegHeader, size: int) -> npt.NDArray[np.uint8] | None:
    """Pixels uint8 [height, width, 3], RGB, both sides at least `size` if the picture's are.

    None when another reader must judge: the picture is odd, but may be whole.

    Raises:
        UnusableImage: pixels are missing or wrong.
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
            raise damaged(error) from error
        return None
    return pixels


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """The marker of each segment up to the first scan's, and where its length stands."""
    place = 2
    # Like libjpeg-turbo, which passes over what stands between segments.
    while (place := data.find(FILL, place)) >= 0 and place + 4 < len(data):
        marker = data[place + 1]
        if marker == FILL:
            place += 1
        elif marker == 0 or marker in ALONE:
            place += 2
        else:
            yield marker, place + 2
            place += 2 + max(2, int.from_bytes(data[place + 2 : place + 4]))
