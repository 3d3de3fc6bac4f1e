"""One file of each kind that gives no pixels, though all are named .jpg."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from PIL import Image

SIDE = 64


def bad_files() -> dict[str, tuple[bytes, str]]:
    """Content and what its reason must say, by kind."""
    jpeg, png = _picture("JPEG"), _picture("PNG")
    return {
        "empty": (b"", "is empty"),
        "truncated": (jpeg[: len(jpeg) * 3 // 4], "cannot be decoded"),
        "text": (b"This is no picture.\n", "is no JPEG, PNG or WebP image"),
        "gif": (_picture("GIF"), "is a GIF image"),
        "bomb": (_resized_png(png, 50_000), "has 50000 x 50000 pixels"),
        "huge": (_resized_jpeg(jpeg, 60_000), "has 60000 x 60000 pixels"),
        "damaged": (png[: len(png) // 2] + bytes(len(png) // 2), "cannot be decoded"),
    }


def _picture(kind: str) -> bytes:
    file = BytesIO()
    Image.effect_mandelbrot((SIDE, SIDE), (-2, -1, 1, 1), 100).convert("RGB").save(file, kind)
    return file.getvalue()


def _resized_png(png: bytes, side: int) -> bytes:
    # The picture's header: width and height from byte 16 on, its checksum after 13 bytes in all.
    header = b"IHDR" + struct.pack(">II", side, side) + png[24:29]
    return png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]


def _resized_jpeg(jpeg: bytes, side: int) -> bytes:
    # Start of frame: marker, length, precision, height, width.
    place = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:place] + struct.pack(">HH", side, side) + jpeg[place + 4 :]
