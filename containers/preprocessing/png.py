"""What of a PNG file its pixels follow from: checked here, so that a reader gets nothing else.

https://www.w3.org/TR/png-3/ ("Chunk layout", "Error handling")
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from drops.formats import PNG_SIGNATURE
from preprocessing.unusable import damaged

MAXIMUM_CHUNKS = 1_000_000
CHUNK = struct.Struct(">I4s")
HEADER = struct.Struct(">IIBBBBB")
# Colour types.
PALETTE = 3
CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
# Of texts, only those that may hold an orientation count, and no more than this, unpacked.
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
ORIENTING = (b"Raw profile type exif\0", b"Raw profile type APP1\0", b"XML:com.adobe.xmp\0")
MAXIMUM_TEXT_BYTES = 1 << 18
# A kind with this bit in its first letter, a small one, is not needed to show the picture.
ANCILLARY = 0x20


@dataclass(frozen=True)
class PngHeader:
    """Sizes in pixels, and the colour type."""

    width: int
    height: int
    colour: int


def read_png_header(data: bytes) -> PngHeader:
    """The header.

    Raises:
        UnusableImage: it is broken.
    """
    kind, place, end = next(_chunks(data), (b"", 0, 0))
    if kind != b"IHDR" or end - place != HEADER.size:
        raise damaged("it does not begin with its header")
    _check(data, kind, place, end)
    width, height, _, colour, *_ = HEADER.unpack_from(data, place)
    return PngHeader(width, height, colour)


def essential(data: bytes, header: PngHeader) -> bytes:
    """The file with nothing but its pixels, palette, transparency and orientation.

    Raises:
        UnusableImage: one of the chunks without which it cannot be shown right is damaged by its
            checksum, missing or unknown. Others that are damaged are left out, as libpng does.
    """
    view = memoryview(data)
    before: list[bytes | memoryview] = []
    pixels: list[memoryview] = []
    after: list[bytes | memoryview] = []
    complete = palette = False
    for number, (kind, place, end) in enumerate(_chunks(data)):
        if number == MAXIMUM_CHUNKS:
            raise damaged(f"it has more than {MAXIMUM_CHUNKS:,} chunks")
        complete = complete or (bool(pixels) and kind != b"IDAT")
        if kind == b"IEND":
            break
        if kind == b"IDAT":
            if not complete:
                _check(data, kind, place, end)
                pixels.append(view[place:end])
        elif not kind[0] & ANCILLARY:
            if kind not in CRITICAL:
                raise damaged(f"its chunk {kind.decode('latin-1')!r} is unknown and critical")
            if not pixels:
                _check(data, kind, place, end)
                before.append(view[place - 8 : end + 4])
                palette = palette or kind == b"PLTE"
        elif _is_wanted(data, kind, place, end):
            (after if pixels else before).append(view[place - 8 : end + 4])
    if not pixels:
        raise damaged("it has no pixels")
    if header.colour == PALETTE and not palette:
        raise damaged("it has no palette")
    length = CHUNK.pack(sum(map(len, pixels)), b"IDAT")
    # Its reader does not look at this checksum, which is of what is checked already.
    parts = (PNG_SIGNATURE, *before, length, *pixels, bytes(4), *after, _END)
    return b"".join(parts)


_END = CHUNK.pack(0, b"IEND") + struct.pack(">I", zlib.crc32(b"IEND"))


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each chunk and where its data begins and ends, past the file's end if it is cut."""
    place = len(PNG_SIGNATURE)
    while place + CHUNK.size <= len(data):
        length, kind = CHUNK.unpack_from(data, place)
        place += CHUNK.size
        yield kind, place, place + length
        place += length + 4


def _check(data: bytes, kind: bytes, place: int, end: int) -> None:
    if end + 4 > len(data):
        raise damaged(f"it ends within its chunk {kind.decode('latin-1')}")
    if not _is_whole(data, place, end):
        raise damaged(f"the checksum of its chunk {kind.decode('latin-1')} is wrong")


def _is_whole(data: bytes, place: int, end: int) -> bool:
    return zlib.crc32(memoryview(data)[place - 4 : end]) == int.from_bytes(data[end : end + 4])


def _is_wanted(data: bytes, kind: bytes, place: int, end: int) -> bool:
    """Whether it says of transparency or orientation and can be read in bounded time."""
    if kind not in (b"tRNS", b"eXIf", *TEXTS) or end + 4 > len(data):
        return False
    if end - place > MAXIMUM_TEXT_BYTES:
        return False
    if kind in TEXTS:
        if not data.startswith(ORIENTING, place):
            return False
        if not _unpacks_small(data[place:end], kind):
            return False
    return _is_whole(data, place, end)


def _unpacks_small(text: bytes, kind: bytes) -> bool:
    _, _, rest = text.partition(b"\0")
    if kind == b"tEXt" or (kind == b"iTXt" and rest[:1] != b"\1"):
        return True
    # zTXt: method, data. iTXt: flag, method, language, 0, translated keyword, 0, data.
    packed = rest[1:] if kind == b"zTXt" else rest[2:].split(b"\0", 2)[-1]
    unpacking = zlib.decompressobj()
    try:
        unpacking.decompress(packed, MAXIMUM_TEXT_BYTES)
    except zlib.error:
        return False
    return unpacking.eof
