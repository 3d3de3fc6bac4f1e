"""What kind of file it is, by its first bytes and never by its name."""

from dataclasses import dataclass

# As many of a file's first bytes as `format_of` and `refusal` look at.
HEAD_BYTES = 160


@dataclass(frozen=True)
class ImageFormat:
    """A format whose pixels are read; `name` as in "is a PNG image"."""

    name: str
    content_type: str


# MPO, of which the first picture counts, is JPEG.
JPEG = ImageFormat("JPEG", "image/jpeg")
PNG = ImageFormat("PNG", "image/png")
WEBP = ImageFormat("WebP", "image/webp")
TAKEN = (JPEG, PNG, WEBP)
TAKEN_NAMES = "JPEG, PNG and WebP"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# (where it stands, the bytes, what has them there): files that people take for images.
_REFUSED = (
    (0, b"GIF8", "a GIF image"),
    (0, b"BM", "a BMP image"),
    (0, b"II*\0", "a TIFF image or a camera's raw file"),
    (0, b"MM\0*", "a TIFF image or a camera's raw file"),
    (0, b"II+\0", "a BigTIFF image"),
    (0, b"MM\0+", "a BigTIFF image"),
    (0, b"\0\0\1\0", "an ICO image"),
    (0, b"\0\0\2\0", "a CUR image"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 image"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL image"),
    (0, b"\xff\x0a", "a JPEG XL image"),
    (0, b"II\xbc\1", "a JPEG XR image"),
    (0, b"8BPS", "a Photoshop image"),
    (0, b"qoif", "a QOI image"),
    (0, b"v/1\1", "an OpenEXR image"),
    (0, b"#?RADIANCE", "a Radiance HDR image"),
    (0, b"SIMPLE  =", "a FITS image"),
    (0, b"FUJIFILMCCD-RAW", "a camera's raw file"),
    (128, b"DICM", "a DICOM file"),
    (0, b"%PDF-", "a PDF document"),
    (0, b"PK\3\4", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"version https://git-lfs", "a Git LFS pointer and not the file itself"),
    (0, b"\x00\x05\x16\x07", "an AppleDouble file of macOS"),
)
# Brands of ISO base media files ("ftyp" boxes); https://mp4ra.org/registered-types/brands
_BRANDS = (
    ((b"avif", b"avis"), "an AVIF image"),
    ((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "a HEIC image"),
    ((b"crx ",), "a camera's raw file"),
    ((b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"qt  ", b"3gp4", b"3gp5", b"M4V "), "a video"),
)


def format_of(head: bytes) -> ImageFormat | None:
    """The format of a file that begins with `head`, HEAD_BYTES or all; None: it is not read.

    Says nothing of what follows: it may be broken or cut off.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(PNG_SIGNATURE):
        return PNG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    return None


def refusal(head: bytes) -> tuple[str, str]:
    """Why a file of which `format_of` knows no format is not read: (reason, kind of reason).

    Clauses: ("is a GIF image; only JPEG, PNG and WebP are read", "is a GIF image").
    """
    if not head:
        return "is empty (0 bytes)", "is empty"
    name = _name_of(head)
    if name is None:
        kind = "is no JPEG, PNG or WebP image"
        return kind, kind
    return f"is {name}; only {TAKEN_NAMES} are read", f"is {name}"


def _name_of(head: bytes) -> str | None:
    for place, magic, name in _REFUSED:
        if head.startswith(magic, place):
            return name
    if head[4:8] == b"ftyp":
        return _name_of_media(head)
    if head[:1] == b"P" and head[1:2] in b"1234567" and head[2:3].isspace():
        return "a Netpbm image (PBM, PGM or PPM)"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"<svg") or (text.startswith(b"<?xml") and b"<svg" in text):
        return "an SVG drawing"
    if text.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    return None


def _name_of_media(head: bytes) -> str | None:
    # The major brand, a version, then the compatible ones: HEIC's and AVIF's own may be there only.
    end = min(int.from_bytes(head[:4]), len(head))
    brands = [head[8:12], *(head[place : place + 4] for place in range(16, end - 3, 4))]
    for known, name in _BRANDS:
        if any(brand in known for brand in brands):
            return name
    return None
