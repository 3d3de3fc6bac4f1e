"""JPEG files that are decoded at a fraction of their size, and the bounds of what is decoded."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from preprocessing import UnusableImage, decode, decoding_bytes


def scene(width, height):
    """A picture with smooth areas, edges and some noise, as photographs have."""
    random = np.random.default_rng(3)
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / (30 + 9 * c) + c) + np.cos(y / (40 + 5 * c)) for c in range(3)]
    pixels = 128 + 50 * np.stack(waves, axis=-1)
    for _ in range(12):
        left, top = random.integers(0, width), random.integers(0, height)
        pixels[top : top + height // 5, left : left + width // 6] = random.integers(0, 256, 3)
    pixels += random.normal(0, 4, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def encoded(image, kind="JPEG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def psnr(one, other):
    """Peak signal-to-noise ratio in dB."""
    return 10 * np.log10(255**2 / np.mean((one.astype(float) - other.astype(float)) ** 2))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
@pytest.mark.parametrize("size", [(640, 480), (1280, 960), (2600, 1900)])
def test_a_scaled_jpeg_is_near_the_one_that_is_decoded_in_full(size, options):
    data = encoded(scene(*size), quality=90, **options)
    full = Image.open(io.BytesIO(data)).resize((224, 224), Image.Resampling.BOX)
    assert psnr(decode(data, 224), np.asarray(full)) > 32


def test_a_jpeg_that_the_fast_reader_leaves_to_the_other_shows_the_same():
    picture = scene(640, 480)
    fast = decode(encoded(picture, quality=90), 224)
    other = decode(encoded(picture.convert("CMYK"), quality=90), 224)
    assert psnr(fast, other) > 30


def test_a_jpeg_that_claims_a_huge_size_is_refused_by_its_header():
    data = bytearray(encoded(scene(64, 48)))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", 60_000, 60_000)
    with pytest.raises(UnusableImage, match="has 60000 x 60000 pixels") as raised:
        decode(bytes(data), 32)
    assert raised.value.kind == "has too many pixels"
    assert decoding_bytes(bytes(data), 32) == 0


def test_reasons_are_counted_by_kinds_without_what_differs():
    data = encoded(scene(640, 480))
    kinds = set()
    for length in (len(data) // 2, len(data) // 3):
        with pytest.raises(UnusableImage) as raised:
            decode(data[:length], 32)
        kinds.add(raised.value.kind)
    assert kinds == {"cannot be decoded"}


@pytest.mark.parametrize(("kind", "least"), [("JPEG", 3 * 250**2), ("PNG", 3 * 2000**2)])
def test_what_a_large_picture_takes_is_known_before(kind, least):
    small, large = (encoded(Image.new("RGB", (n, n)), kind) for n in (100, 2000))
    assert decoding_bytes(small, 32) < decoding_bytes(large, 32)
    assert decoding_bytes(large, 32) >= least
    assert decoding_bytes(b"", 32) == decoding_bytes(b"no image", 32) == 0
