"""How image files become pixels."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from preprocessing import UnusableImage, decode

ORIENTATION = 0x0112


def encoded(image, file_format="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def quarters(size=64):
    """Red and green over blue and white, so that every turn shows."""
    pixels = np.zeros((size, size, 3), np.uint8)
    half = size // 2
    pixels[:half, :half] = (255, 0, 0)
    pixels[:half, half:] = (0, 255, 0)
    pixels[half:, :half] = (0, 0, 255)
    pixels[half:, half:] = (255, 255, 255)
    return Image.fromarray(pixels)


def png_header(width, height):
    """A PNG that claims a size and holds no pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + b"\0\0\0\0"


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_an_image_of_each_format_becomes_a_square_of_rgb_bytes(file_format):
    pixels = decode(encoded(quarters().resize((80, 60)), file_format, quality=95), 32)
    assert pixels.shape == (32, 32, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels[4, 4].astype(int) - (255, 0, 0)).max() < 12
    assert np.abs(pixels[28, 28].astype(int) - 255).max() < 12


def test_the_same_bytes_give_the_same_pixels_each_time():
    data = encoded(quarters(), "JPEG")
    assert decode(data, 24).tobytes() == decode(data, 24).tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_turned_upright_by_its_exif_orientation(orientation, file_format):
    inverse = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = quarters()
    stored = upright.transpose(inverse[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    pixels = decode(encoded(stored, file_format, exif=exif, quality=95), 64).astype(int)
    expected = np.asarray(upright).astype(int)
    for row, column in [(12, 12), (12, 52), (52, 12), (52, 52)]:
        assert np.abs(pixels[row, column] - expected[row, column]).max() < 16


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_png_colour_mode_keeps_its_grey_levels(mode):
    levels = Image.fromarray(np.repeat([[0], [255]], [8, 8], axis=0).astype(np.uint8)).resize(
        (16, 16), Image.Resampling.NEAREST
    )
    pixels = decode(encoded(levels.convert(mode)), 16)
    assert (pixels[2] == 0).all()
    assert (pixels[13] == 255).all()


def test_a_cmyk_jpeg_gives_rgb():
    red = Image.new("CMYK", (32, 32), (0, 255, 255, 0))
    assert np.abs(decode(encoded(red, "JPEG"), 8).astype(int) - (255, 0, 0)).max() < 16


def test_sixteen_bit_grey_is_scaled_and_not_clipped():
    grey = Image.fromarray(np.full((4, 4), 0x8080, np.uint16))
    assert (decode(encoded(grey), 4) == 0x80).all()


def test_transparent_pixels_lie_on_white():
    assert (decode(encoded(Image.new("RGBA", (4, 4), (255, 0, 0, 0))), 4) == 255).all()
    half = decode(encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 128))), 4)
    assert np.abs(half.astype(int) - 127).max() <= 1


def test_the_transparent_colour_of_a_palette_lies_on_white():
    image = Image.new("P", (4, 4), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    assert (decode(encoded(image, transparency=0), 4) == 255).all()


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (1, 500), (500, 1)])
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_tiny_and_narrow_images_are_stretched_to_the_size(size, file_format):
    pixels = decode(encoded(Image.new("RGB", size, (200, 200, 200)), file_format), 32)
    assert pixels.shape == (32, 32, 3)
    assert np.abs(pixels.astype(int) - 200).max() <= 4


def test_shrinking_averages_instead_of_picking_pixels():
    board = (np.indices((256, 256)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert np.abs(decode(encoded(Image.fromarray(board)), 16).astype(int) - 128).max() <= 2


def test_the_first_frame_of_an_animation_counts():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])
    assert (decode(data, 8) == (255, 0, 0)).all()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty (0 bytes)"),
        (b"not an image at all", "is no JPEG, PNG or WebP image"),
        (encoded(quarters(), "GIF"), "is a GIF image; only JPEG, PNG and WebP are read"),
        (
            encoded(quarters(), "TIFF"),
            "is a TIFF image or a camera's raw file; only JPEG, PNG and WebP are read",
        ),
        (encoded(quarters(), "BMP"), "is a BMP image; only JPEG, PNG and WebP are read"),
        (
            png_header(20_000, 20_000),
            "has 20000 x 20000 pixels, above the limit of 100,000,000 in all",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_reason(data, reason):
    with pytest.raises(UnusableImage) as refused:
        decode(data, 32)
    assert str(refused.value) == reason


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused(file_format, share):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), file_format)
    with pytest.raises(UnusableImage):
        decode(data[: int(len(data) * share)], 32)


def test_an_image_just_within_the_limit_is_read():
    assert decode(encoded(Image.new("L", (10_000, 10_000), 50)), 8).max() == 50


def test_a_size_below_one_pixel_is_a_fault_of_the_caller():
    with pytest.raises(ValueError, match="1 pixel or more"):
        decode(encoded(quarters()), 0)


SAMPLES = [
    encoded(quarters(24), "JPEG"),
    encoded(quarters(24), "PNG"),
    encoded(quarters(24).convert("P"), "PNG"),
    encoded(quarters(24), "WEBP"),
]


@settings(max_examples=300)
@given(st.sampled_from(SAMPLES), st.data())
@pytest.mark.filterwarnings("ignore")
def test_damaged_files_give_pixels_or_a_reason_and_never_another_error(sample, data):
    damaged = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert decode(bytes(damaged), 8).shape == (8, 8, 3)
    except UnusableImage as refused:
        assert str(refused)
