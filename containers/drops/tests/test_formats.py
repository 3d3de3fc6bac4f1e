"""What a file is by its first bytes."""

import pytest

from drops.formats import HEAD_BYTES, JPEG, PNG, TAKEN, WEBP, format_of, refusal


def media(major, *compatible):
    """The first box of an ISO base media file."""
    brands = major + b"\0\0\0\0" + b"".join(compatible)
    return (len(brands) + 8).to_bytes(4, "big") + b"ftyp" + brands


@pytest.mark.parametrize(
    ("head", "taken"),
    [
        (b"\xff\xd8\xff\xe0\0\x10JFIF", JPEG),
        (b"\xff\xd8\xff\xe1", JPEG),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", PNG),
        (b"RIFF\x24\0\0\0WEBPVP8 ", WEBP),
    ],
)
def test_a_format_that_is_read_is_known_by_its_first_bytes(head, taken):
    assert format_of(head) is taken
    assert taken in TAKEN


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"GIF89a", "a GIF image"),
        (b"BM\x36\0\0\0", "a BMP image"),
        (b"MM\0*\0\0\0\x08", "a TIFF image or a camera's raw file"),
        (media(b"heic", b"mif1", b"heic"), "a HEIC image"),
        (media(b"mif1", b"miaf", b"heic"), "a HEIC image"),
        (media(b"mif1", b"miaf", b"avif"), "an AVIF image"),
        (media(b"avif", b"mif1", b"miaf"), "an AVIF image"),
        (media(b"isom", b"mp42"), "a video"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL image"),
        (b"\0" * 128 + b"DICM", "a DICOM file"),
        (b"P6\n8 8\n255\n", "a Netpbm image (PBM, PGM or PPM)"),
        (b'<?xml version="1.0"?>\n<svg xmlns', "an SVG drawing"),
        (b"\n<!DOCTYPE html><html>", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
    ],
)
def test_another_kind_of_file_is_named_for_what_it_is(head, name):
    assert format_of(head) is None
    reason, kind = refusal(head)
    assert reason.startswith(f"is {name}")
    assert reason.endswith("; only JPEG, PNG and WebP are read")
    assert kind == reason.partition(";")[0]


@pytest.mark.parametrize(
    "head", [b"x", b"RIFF\0\0\0\0WAVE", b"\xff\xd8", b"\x89PNG\n\n", b"P6", b"\0" * 99]
)
def test_a_file_of_no_known_kind_is_said_to_be_none_of_those_that_are_read(head):
    assert format_of(head) is None
    assert refusal(head)[0] == "is no JPEG, PNG or WebP image"


def test_an_empty_file_is_called_empty():
    assert format_of(b"") is None
    assert refusal(b"") == ("is empty (0 bytes)", "is empty")


@pytest.mark.parametrize("head", [media(b"mif1", b"avif"), media(b"xxxx", *[b"yyyy"] * 60)])
def test_a_head_that_is_cut_anywhere_is_judged_without_an_error(head):
    for length in range(HEAD_BYTES):
        assert refusal(head[:length])
