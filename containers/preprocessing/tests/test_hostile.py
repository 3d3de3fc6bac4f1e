"""Files that are made or damaged to harm their decoder: pixels or a reason, and nothing else."""

import random
import zlib

import numpy as np
import pytest

from drops.formats import JPEG
from preprocessing import UnusableImage, decode, decoding_bytes
from preprocessing.isolated import IsolatedDecoder
from preprocessing.tests import fuzz, hostile
from preprocessing.tests.hostile import HOSTILE, chunk, jpeg, lossless_jpeg, png, scans_jpeg


@pytest.fixture
def heap_checks(monkeypatch):
    """Children abort where they free what they wrote beside."""
    for name, value in fuzz.HEAP_CHECKS.items():
        monkeypatch.setenv(name, value)


def reason_against(data, size=32):
    with pytest.raises(UnusableImage) as refused:
        decode(data, size)
    assert decoding_bytes(data, size) >= 0
    return str(refused.value)


def test_no_hostile_file_crashes_a_decoder_or_takes_it_long(heap_checks):
    with IsolatedDecoder(1, cpu_seconds=5) as decoder:
        for size in (16, 224):
            results = decoder.decode_all(list(HOSTILE.values()), size)
            verdicts = dict(zip(HOSTILE, map(fuzz.verdict, results), strict=True))
            assert {n: v for n, v in verdicts.items() if v in fuzz.FINDINGS} == {}


def test_no_damaged_file_crashes_a_decoder_or_takes_it_long(heap_checks):
    verdicts, findings = fuzz.search(14, count=3_000, seconds=60, workers=1)
    assert [(str(result), data[:80]) for data, _, result in findings] == []
    # It would prove little if all were refused by their first bytes.
    assert verdicts["pixels"] > 200
    assert verdicts["cannot be decoded"] > 500


def test_the_heap_checks_see_a_byte_that_is_written_too_far(heap_checks):
    misbehaving = "preprocessing.tests.misbehaving:decode"
    with (
        IsolatedDecoder(1, decoder=misbehaving) as decoder,
        pytest.raises(UnusableImage, match="crashes its decoder"),
    ):
        decoder.decode(b"overflow", 4)


@pytest.mark.parametrize("size", [8, 32, 64, 224, 600])
def test_a_lossless_jpeg_is_decoded_as_it_is_however_small_it_is_wanted(size):
    pixels = decode(lossless_jpeg(300, 400, (200, 30, 60)), size)
    assert (pixels == (200, 30, 60)).all()
    assert (decode(lossless_jpeg(300, 400, (77,)), size) == 77).all()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (jpeg(marker=0xC1, precision=12), "12 bits a sample"),
        (jpeg(marker=0xC3, precision=16), "16 bits a sample"),
        (jpeg(marker=0xC5), "hierarchical"),
        (jpeg(marker=0xCB), "lossless with arithmetic coding"),
        (jpeg(marker=0xF7), "is a JPEG-LS image; only JPEG, PNG and WebP are read"),
    ],
)
def test_a_jpeg_of_a_kind_that_is_not_read_is_called_so(data, reason):
    assert reason in reason_against(data)


def test_a_jpeg_of_more_scans_than_encoders_write_is_refused_before_it_is_decoded():
    assert decode(scans_jpeg(100, 512, 512), 32).shape == (32, 32, 3)
    assert "has more than 1000 scans of 64 x 64 pixels" in reason_against(scans_jpeg(1001, 64, 64))
    assert "has more than 119 scans" in reason_against(scans_jpeg(120, 4096, 4096))
    assert "scans" not in reason_against(b"\xff\xd8" + hostile.segment(0xE2, b"\xff\xda" * 30_000))


def test_bytes_of_scans_in_application_data_count_for_nothing():
    data = scans_jpeg(10, 64, 64)
    profile = hostile.segment(0xE2, b"\xff\xda\0\2" * 10_000)
    assert (decode(data[:2] + profile + data[2:], 16) == decode(data, 16)).all()


def test_a_png_with_texts_and_profiles_of_any_size_is_read():
    large = hostile.compressed_text(3_000_000)
    texts = chunk(b"tEXt", b"Comment\0" + b"x" * 1_000_000) * 80
    profile = chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(3_000_000)))
    international = chunk(b"iTXt", b"c\0\1\0\0\0" + zlib.compress(b"x" * 3_000_000))
    for before in (large, texts, profile, international, large * 3 + profile):
        assert (decode(png(before=before), 8) == 0).all()


def test_a_damaged_chunk_that_the_pixels_do_not_need_is_left_out_as_libpng_does():
    for kind in (b"gAMA", b"pHYs", b"tEXt", b"eXIf", b"tRNS", b"zzZz"):
        damaged = chunk(kind, b"\0\0\0\1\0\2", crc=7)
        assert (decode(png(before=damaged), 8) == 0).all()
        assert (decode(png(after=damaged), 8) == 0).all()


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE", b"IDAT"])
def test_a_damaged_chunk_that_the_pixels_need_is_refused(kind):
    data = bytearray(png(colour=3, before=hostile.PALETTE))
    data[data.index(kind) + 6] ^= 1
    assert f"the checksum of its chunk {kind.decode()} is wrong" in reason_against(bytes(data))


def test_no_bit_of_a_png_s_pixels_flips_unseen():
    noise = np.random.default_rng(1).integers(0, 255, (48, 48, 3), np.uint8)
    lines = b"".join(b"\0" + line.tobytes() for line in noise)
    data = png(48, 48, pixels=zlib.compress(lines))
    begin, luck = data.index(b"IDAT") + 4, random.Random(2)
    for _ in range(300):
        flipped = bytearray(data)
        flipped[luck.randrange(begin, len(data) - 16)] ^= 1 << luck.randrange(8)
        reason_against(bytes(flipped))


def test_a_png_whose_stream_contradicts_its_own_checksum_is_refused():
    stream = zlib.compress(bytes(range(49)) * 12)
    assert "cannot be decoded" in reason_against(png(pixels=stream[:-4] + b"abcd"))


def test_what_a_png_says_of_its_orientation_is_kept():
    turned = chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0")
    rows = b"".join(b"\0" + bytes([row * 16] * 16) for row in range(16))
    upright = decode(png(16, 16, colour=0, pixels=zlib.compress(rows)), 16)
    result = decode(png(16, 16, colour=0, pixels=zlib.compress(rows), before=turned), 16)
    assert (result == np.rot90(upright, -1)).all()


def test_what_decoding_takes_is_told_of_no_file_that_is_refused_by_its_header():
    for name in ("a WebP whose canvas has 2**48 pixels", "a PNG of 2**31 lines"):
        assert decoding_bytes(HOSTILE[name], 32) == 0
    assert JPEG.name in reason_against(b"no image")
