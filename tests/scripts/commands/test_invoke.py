from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from scripts.commands.invoke import _why_refused, content_type
from scripts.console import CommandError


def test_the_content_type_is_that_of_the_bytes(photos: Path) -> None:
    jpeg, png = photos / "cat" / "0.jpeg", photos / "cat" / "1.png"

    assert content_type(jpeg.read_bytes(), png) == "image/jpeg"
    assert content_type(png.read_bytes(), jpeg) == "image/png"


def test_webp_is_told_from_other_riff_files() -> None:
    assert content_type(b"RIFF\x0a\x00\x00\x00WEBPVP8 ", Path("a")) == "image/webp"
    with pytest.raises(CommandError):
        content_type(b"RIFF\x0a\x00\x00\x00WAVEfmt ", Path("a"))


def test_a_file_that_is_no_image_is_not_sent() -> None:
    with pytest.raises(CommandError, match=r"notes\.txt is no JPEG, PNG or WebP image"):
        content_type(b"no image", Path("notes.txt"))


@pytest.mark.parametrize(
    ("response", "says"),
    [
        (
            {
                "Error": {"Code": "ModelError", "Message": "Received client error (400)"},
                "OriginalMessage": '{"error": "The image is truncated."}',
            },
            "The endpoint refused a.jpg: The image is truncated.",
        ),
        (
            {
                "Error": {"Code": "ModelError", "Message": "..."},
                "OriginalMessage": "no JSON",
            },
            "The endpoint refused a.jpg: no JSON",
        ),
        (
            {"Error": {"Code": "ValidationError", "Message": "Endpoint e of 1 not found."}},
            "The endpoint e is not there yet: ./scripts/approve deploys a model to it.",
        ),
        (
            {"Error": {"Code": "ThrottlingException", "Message": "Slow down"}},
            "The endpoint e did not answer: Slow down (ThrottlingException).",
        ),
    ],
)
def test_a_refusal_is_one_sentence(response: dict[str, object], says: str) -> None:
    error = ClientError(response, "InvokeEndpoint")  # type: ignore[arg-type]

    assert _why_refused(error, "e", Path("a.jpg")) == says
