"""Damages image files and decodes them, under the C library's heap checks: none may crash it.

    PYTHONPATH=containers python -m preprocessing.tests.fuzz --seconds 600

in the processing image's environment (`./scripts/test containers` runs some seconds of it). A file
that crashes the decoder, takes it too long or meets a fault of ours is kept and named.
"""

import argparse
import io
import os
import random
import struct
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from preprocessing import UnusableImage
from preprocessing.isolated import IsolatedDecoder
from preprocessing.tests.hostile import HOSTILE, PNG_SIGNATURE, chunk, lossless_jpeg, scans_jpeg
from preprocessing.unusable import DecoderFault

# As Debian and Ubuntu call it (package libc6); ld.so looks for it where libraries lie.
HEAP_CHECKS = {"LD_PRELOAD": "libc_malloc_debug.so.0", "GLIBC_TUNABLES": "glibc.malloc.check=3"}
BATCH = 32
SIZES = (1, 8, 32, 224)
FRAMES = bytes(range(0xC0, 0xD0))
NUMBERS = (0, 1, 2, 7, 8, 9, 255, 256, 32_767, 32_768, 65_535)


def samples() -> list[bytes]:
    """Valid files of every kind that is read, small ones."""
    noise = np.random.default_rng(0).integers(0, 256, (80, 72, 4), dtype=np.uint8)
    picture = Image.fromarray(noise[..., :3]).resize((72, 80))
    smooth = Image.linear_gradient("L").resize((130, 140)).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6

    def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        return buffer.getvalue()

    jpegs = [
        encoded(smooth, "JPEG", **options)
        for options in (
            {},
            {"progressive": True},
            {"subsampling": 0, "exif": exif},
            {"subsampling": 1},
            {"restart_marker_blocks": 3},
            {"quality": 100, "progressive": True, "subsampling": 0},
            {"optimize": True, "icc_profile": b"profile" * 99, "comment": b"comment"},
        )
    ]
    jpegs += [
        encoded(smooth.convert(mode), "JPEG", progressive=p)
        for mode in ("L", "CMYK")
        for p in (0, 1)
    ]
    jpegs += [
        encoded(smooth, "MPO", save_all=True, append_images=[smooth]),
        lossless_jpeg(80, 72),
        scans_jpeg(90, 64, 64),
    ]
    pngs = [encoded(picture.convert(mode), "PNG") for mode in ("1", "L", "LA", "P", "RGB", "RGBA")]
    pngs += [
        encoded(smooth.convert("P"), "PNG", transparency=3),
        encoded(smooth, "PNG", transparency=(1, 2, 3), exif=exif),
        encoded(Image.fromarray(noise[..., 0].astype(np.uint16) * 257), "PNG"),
        encoded(picture, "PNG", save_all=True, append_images=[picture.rotate(90)]),
        encoded(smooth.quantize(4), "PNG", bits=2),
    ]
    rgba = Image.fromarray(noise)
    webps = [
        encoded(smooth, "WEBP"),
        encoded(smooth, "WEBP", lossless=True, exif=exif),
        encoded(rgba, "WEBP"),
        encoded(rgba, "WEBP", lossless=True),
        encoded(picture, "WEBP", save_all=True, append_images=[picture.rotate(90)]),
    ]
    return jpegs + pngs + webps


def damaged(data: bytes, others: list[bytes], luck: random.Random) -> bytes:
    """`data` with some damage; a PNG's checksums are then made right, mostly."""
    result = bytearray(data)
    for _ in range(luck.choice((1, 1, 2, 3, 8))):
        # What comes first decides most.
        place = luck.randrange(min(len(result), luck.choice((40, 200, 700, len(result)))) or 1)
        match luck.randrange(9):
            case 0 | 1:
                result[place : place + 1] = bytes([luck.randrange(256)])
            case 2:
                result[place : place + 1] = bytes(
                    [(result[place] if result else 0) ^ 1 << luck.randrange(8)]
                )
            case 3:
                kind = luck.choice((">H", ">I", "<H", "<I"))
                number = struct.pack(kind, luck.choice(NUMBERS))
                result[place : place + len(number)] = number
            case 4:
                del result[place : place + luck.choice((1, 2, 8, 100))]
            case 5:
                result[place:place] = luck.randbytes(luck.choice((1, 2, 8, 100)))
            case 6:
                piece = result[place : place + luck.choice((8, 20, 200))]
                result[place:place] = piece * luck.choice((1, 3, 50))
            case 7:
                other = luck.choice(others)
                result[place:] = other[luck.randrange(len(other)) :]
            case 8:
                frame = next(
                    (
                        i
                        for i in range(len(result) - 1)
                        if result[i] == 255 and result[i + 1] in FRAMES
                    ),
                    None,
                )
                if frame is not None:
                    result[frame + 1] = luck.choice(FRAMES)
    if result.startswith(PNG_SIGNATURE) and luck.random() < 0.8:
        return checksums_right(bytes(result))
    return bytes(result)


def checksums_right(data: bytes) -> bytes:
    """A PNG whose chunks are what they are, with checksums that say so."""
    parts, place = [PNG_SIGNATURE], len(PNG_SIGNATURE)
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        parts.append(chunk(kind, data[place + 8 : place + 8 + min(length, len(data))]))
        place += 12 + length
    return b"".join(parts)


def repacked(data: bytes, luck: random.Random) -> bytes:
    """A PNG whose unpacked lines are damaged, and packed again."""
    place = data.index(b"IDAT")
    lines = bytearray(
        zlib.decompress(data[place + 4 : place + 4 + int.from_bytes(data[place - 4 : place])])
    )
    for _ in range(luck.randrange(1, 9)):
        lines[luck.randrange(len(lines))] = luck.randrange(256)
    return data[: place - 4] + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND")


def cases(seed: int) -> Iterator[bytes]:
    """Damaged files without end, the same for the same seed."""
    luck = random.Random(seed)
    valid = samples()
    seeds = valid + [data for data in HOSTILE.values() if len(data) < 20_000]
    while True:
        data = luck.choice(seeds)
        if data.startswith(PNG_SIGNATURE) and data in valid and luck.random() < 0.2:
            yield repacked(data, luck)
        yield damaged(data, seeds, luck)


def verdict(result: object) -> str:
    """What came of a file: "pixels", the kind of its refusal, or "fault"."""
    if isinstance(result, DecoderFault):
        return "fault"
    return result.kind if isinstance(result, UnusableImage) else "pixels"


FINDINGS = (
    "fault",
    "crashes its decoder",
    "takes too long to decode",
    "takes too much memory to decode",
)


def search(
    seed: int, *, count: int | None, seconds: float, workers: int
) -> tuple[Counter[str], list[tuple[bytes, int, object]]]:
    """How often each verdict was, and (file, size, result) of what no file may do."""
    luck, verdicts, findings = random.Random(seed), Counter[str](), []
    files, end = cases(seed), time.monotonic() + seconds
    with IsolatedDecoder(workers) as decoder:
        while time.monotonic() < end and (count is None or verdicts.total() < count):
            batch, size = [next(files) for _ in range(BATCH)], luck.choice(SIZES)
            for data, result in zip(batch, decoder.decode_all(batch, size), strict=True):
                verdicts[verdict(result)] += 1
                if verdict(result) in FINDINGS:
                    findings.append((data, size, result))
    return verdicts, findings


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="preprocessing.tests.fuzz", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--seconds", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="default: the time")
    parser.add_argument("--keep", type=Path, default=Path("findings"), help="folder of files found")
    options = parser.parse_args()
    os.environ.update(HEAP_CHECKS)
    print(f"seed {options.seed}", flush=True)
    verdicts, findings = search(options.seed, count=None, seconds=options.seconds, workers=1)
    for name, count in verdicts.most_common():
        print(f"{count:8,} {name}")
    for number, (data, size, result) in enumerate(findings):
        options.keep.mkdir(parents=True, exist_ok=True)
        path = options.keep / f"{options.seed}-{number}"
        path.write_bytes(data)
        print(f"{path}, as {size} x {size}: {result}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
