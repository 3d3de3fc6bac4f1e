"""Files that decoders have trouble with, made by hand with the standard library.

`HOSTILE` has one of each kind by name, small enough for any test. Each gives pixels or
UnusableImage, in little time and memory, and leaves its neighbours whole.
"""

import struct
import zlib

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind, data=b"", crc=None):
    """A chunk of PNG; its checksum is right unless `crc` says another."""
    right = zlib.crc32(kind + data)
    return (
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", right if crc is None else crc)
    )


def png(width=16, height=12, *, depth=8, colour=2, before=b"", after=b"", pixels=None, level=6):
    """A PNG of zeros, with further chunks `before` and `after` its pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = b"\0" * (1 + (width * channels * depth + 7) // 8)
    data = zlib.compress(row * height, level) if pixels is None else pixels
    parts = (chunk(b"IHDR", header), before, chunk(b"IDAT", data), after, chunk(b"IEND"))
    return PNG_SIGNATURE + b"".join(parts)


def png_of_size(width, height):
    """A PNG that claims a size and holds no pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return PNG_SIGNATURE + header + chunk(b"IDAT") + chunk(b"IEND")


def png_bomb(width=10_000, height=10_000):
    """As many pixels as are read, in a file of a few hundred kilobytes."""
    return png(width, height, level=9)


def compressed_text(size):
    """A chunk of text that unpacks to `size` bytes."""
    return chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * size))


def segment(marker, data=b""):
    """A segment of JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def frame(marker, width, height, components=(1,), *, precision=8, sampling=0x11):
    """A frame header (SOFn)."""
    parts = b"".join(
        bytes([name, sampling if i == 0 else 0x11, 0]) for i, name in enumerate(components)
    )
    return segment(marker, struct.pack(">BHHB", precision, height, width, len(components)) + parts)


def _packed(bits):
    bits += "1" * (-len(bits) % 8)
    return int(bits or "0", 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")


def lossless_jpeg(width=512, height=512, colour=(200, 30, 60)):
    """A valid lossless JPEG (SOF3) of one colour or, of one value, grey: none can scale it."""
    names = (82, 71, 66)[: len(colour)]
    # A code of n + 1 bits for each category n of a difference; of the first pixel, it is to 128.
    table = segment(0xC4, b"\0" + bytes([1] * 9 + [0] * 7) + bytes(range(9)))
    parts = b"".join(bytes([name, 0]) for name in names)
    scan = segment(0xDA, bytes([len(names)]) + parts + bytes([1, 0, 0]))
    bits = ""
    for value in colour:
        difference = value - 128
        category = abs(difference).bit_length()
        bits += "1" * category + "0"
        if category:
            low = difference if difference > 0 else difference + (1 << category) - 1
            bits += format(low, f"0{category}b")
    bits += "0" * (len(colour) * (width * height - 1))
    adobe = segment(0xEE, b"Adobe\0d\0\0\0\0\0")
    head = b"\xff\xd8" + adobe + frame(0xC3, width, height, names)
    return head + table + scan + _packed(bits) + b"\xff\xd9"


def jpeg(width=64, height=48, *, marker=0xC0, precision=8, before=b"", between=b""):
    """A grey JPEG of one shade, with further segments before and behind its frame header."""
    blocks = -(-width // 8) * -(-height // 8)
    tables = segment(0xDB, b"\0" + b"\1" * 64)
    # One code of one bit each: a difference of 0, and the end of a block.
    tables += segment(0xC4, b"\x00" + bytes([1] + [0] * 15) + b"\0")
    tables += segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\0")
    head = b"\xff\xd8" + before + frame(marker, width, height, precision=precision) + between
    return (
        head
        + tables
        + segment(0xDA, bytes([1, 1, 0, 0, 63, 0]))
        + _packed("00" * blocks)
        + b"\xff\xd9"
    )


def scans_jpeg(scans=1000, width=1024, height=1024):
    """A progressive JPEG of `scans` scans, each of all blocks; 883 follow the standard."""
    blocks = -(-width // 8) * -(-height // 8)
    data = b"\xff\xd8" + segment(0xDB, b"\0" + b"\1" * 64) + frame(0xC2, width, height)
    data += segment(0xC4, b"\x00" + bytes([1] + [0] * 15) + b"\0")
    # Codes of four bits for "no more in 2**n blocks and so many more", n from 0 to 14.
    data += segment(
        0xC4, b"\x10" + bytes([0, 0, 0, 15] + [0] * 12) + bytes(n << 4 for n in range(15))
    )
    data += segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + _packed("0" * blocks)
    bits, left = "", blocks
    while left:
        n = min(left.bit_length() - 1, 14)
        run = min(left, (2 << n) - 1)
        bits += format(n, "04b") + (format(run - (1 << n), f"0{n}b") if n else "")
        left -= run
    body = _packed(bits)
    for number in range(scans - 1):
        turn, place = divmod(number % (14 * 63), 63)
        successive = 13 if turn == 0 else (14 - turn) << 4 | 13 - turn
        data += segment(0xDA, bytes([1, 1, 0, place + 1, place + 1, successive])) + body
    return data + b"\xff\xd9"


def webp(width, height, *, canvas=None):
    """A WebP that ends where its pixels would begin; with a `canvas` of another size, perhaps."""
    bits = (width - 1) | (height - 1) << 14
    parts = b"VP8L" + struct.pack("<IBI", 6, 0x2F, bits) + b"\0"
    if canvas:
        sides = b"".join((side - 1).to_bytes(3, "little") for side in canvas)
        parts = b"VP8X" + struct.pack("<II", 10, 0) + sides + parts
    return b"RIFF" + struct.pack("<I", len(parts) + 4) + b"WEBP" + parts


PALETTE = chunk(b"PLTE", bytes(range(48)))
BIG_FRAME = frame(0xC0, 60_000, 60_000)
HOSTILE = {
    "a lossless JPEG": lossless_jpeg(),
    "a lossless grey JPEG": lossless_jpeg(colour=(90,)),
    "a PNG with a palette's pixels and no palette": png(64, 48, colour=3),
    "a PNG with an empty palette": png(colour=3, before=chunk(b"PLTE")),
    "a PNG with a palette of 4 bytes": png(colour=3, before=chunk(b"PLTE", b"1234")),
    "a PNG with transparency before its palette": png(
        colour=3, before=chunk(b"tRNS", b"\0" * 300) + PALETTE
    ),
    "a PNG with 16 bits a palette's pixel": png(colour=3, depth=16, before=PALETTE),
    "a PNG of 3 bits a sample": png(depth=3),
    "a PNG with two headers": png(
        before=chunk(b"IHDR", struct.pack(">IIBBBBB", 9_999, 9_999, 8, 6, 0, 0, 0))
    ),
    "a PNG with fewer pixels than it says": png(pixels=zlib.compress(b"\0" * 40)),
    "a PNG with more pixels than it says": png(pixels=zlib.compress(b"\0" * 9_000_000)),
    "a PNG with pixels that are no stream": png(pixels=b"x" * 500),
    "a PNG with no pixels": png(pixels=b""),
    "a PNG with an unknown critical chunk": png(before=chunk(b"CgBI", b"\x50\0\x20\2")),
    "a PNG with 300,000 chunks": png(before=chunk(b"teSt") * 300_000),
    "a PNG of one long line": png(1_000_000, 1, colour=0),
    "a PNG of one long column": png(1, 1_000_000, colour=0),
    "a PNG of 2**31 lines": png_of_size(1, 2**31 - 1),
    "a progressive JPEG of 20,000 scans": scans_jpeg(20_000),
    "a JPEG of 12 bits a sample": jpeg(marker=0xC1, precision=12),
    "a lossless JPEG of 16 bits a sample": jpeg(marker=0xC3, precision=16),
    "a JPEG with two frames": jpeg(between=frame(0xC0, 8, 8)),
    "a JPEG with a lossless frame behind its own": jpeg(between=frame(0xC3, 8, 8)),
    "a JPEG with a frame in a comment": jpeg(before=segment(0xFE, BIG_FRAME)),
    "a JPEG with a lossless frame in application data": jpeg(
        512, 512, before=segment(0xE5, frame(0xC3, 512, 512))
    ),
    "a JPEG with a frame between its segments": jpeg(
        before=segment(0xFE) + b"\0\0\0" + BIG_FRAME[1:]
    ),
    "a JPEG behind one that holds tables only": jpeg(512, 512, before=b"\xff\xd9\xff\xd8"),
    "a JPEG with a frame of no component": jpeg(before=segment(0xC0, bytes([8, 0, 9, 0, 9, 0]))),
    "a JPEG with a long frame header": jpeg(before=segment(0xC0, bytes([8, 0, 9, 0, 9, 1] * 9))),
    "a JPEG of 500,000 segments": jpeg(before=segment(0xFE) * 500_000),
    "a JPEG of no height": jpeg(64, 0),
    "a JPEG of one long line": jpeg(65_500, 1),
    "a WebP without pixels": webp(64, 48),
    "a WebP whose canvas is not its size": webp(64, 48, canvas=(9_999, 9_999)),
    "a WebP of 2**28 pixels": webp(16_384, 16_384),
    "a WebP whose canvas has 2**48 pixels": webp(64, 48, canvas=(1 << 24, 1 << 24)),
} | {
    f"a JPEG with frame {marker:#x}": jpeg(512, 512, marker=marker)
    for marker in (*range(0xC0, 0xD0), 0xDE, 0xF7)
    if marker not in (0xC4, 0xC8, 0xCC)
}
