"""A request's images on their way through the queue, and what comes back for each."""

import asyncio
import base64
import binascii
import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from inference.model import Probabilities
from preprocessing import UnusableImage
from preprocessing.resizing import stretch

Pixels = npt.NDArray[np.uint8]
Content = bytes | str | Pixels
"""An image file, the same in base64, or pixels uint8 [height, width, 3]."""

# "data:image/png;base64,", with parameters perhaps.
DATA_URL = re.compile(r"\s*data:[^,]{0,200};base64\s*,", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\r\n]+")
_FOREIGN = re.compile(r"[^A-Za-z0-9+/]")
_URL_SAFE = str.maketrans("-_", "+/")


def unpacked(content: Content) -> bytes | Pixels:
    """The content without its base64.

    Raises:
        UnusableImage: it is no base64.
    """
    if not isinstance(content, str):
        return content
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return _lenient(content)


def _lenient(text: str) -> bytes:
    """What can be meant in one way only: a data: URL, lines, the URL-safe alphabet, no padding.

    https://www.rfc-editor.org/rfc/rfc2397 and https://www.rfc-editor.org/rfc/rfc4648#section-5
    """
    head = DATA_URL.match(text)
    digits = _BLANKS.sub("", text[head.end() :] if head else text).translate(_URL_SAFE)
    digits, padding = digits.rstrip("="), len(digits) - len(digits.rstrip("="))
    foreign = _FOREIGN.search(digits)
    if text[:5].lower() == "data:" and head is None:
        raise _no_base64("it is a data: URL without ;base64, in its head")
    if foreign and foreign[0] == "=":
        raise _no_base64("something follows its padding, =")
    if foreign:
        raise _no_base64(f"the character {foreign[0]!r} is none of base64's")
    if len(digits) % 4 == 1 or padding > 2:
        raise _no_base64(f"{len(digits)} characters and {padding} of padding are no whole bytes")
    return base64.b64decode(digits + "=" * (-len(digits) % 4))


def _no_base64(why: str) -> UnusableImage:
    kind = "is no base64"
    return UnusableImage(f"{kind}, as {why}: send the file's bytes in base64", kind)


def fitted(pixels: Pixels, size: int) -> Pixels:
    """Pixels [height, width, 3] as [size, size, 3]."""
    if pixels.shape == (size, size, 3):
        return pixels
    return stretch(np.ascontiguousarray(pixels), size)


@dataclass(slots=True, eq=False)
class Question:
    """Made, and after its images were answered changed, on the event loop's thread alone.

    Attributes:
        deadline: when nobody waits for the answer any more, seconds of `time.monotonic`.
        asked: when it was made, likewise.
        answers: float32 [classes] for each image that was answered.
        remaining: images without an answer yet.
        queue, decode, model: seconds that the slowest of its images took.
        confidence: sum of its images' largest probabilities.
        on_the_side: seconds that its large images took to decode, see `decoding.Side`.
        at_model: since when the model has been asked about images of it, seconds of
            `time.monotonic`; 0 while it is not.
    """

    images: list[Content]
    future: "asyncio.Future[None]"
    asked: float
    deadline: float
    answers: list[Probabilities | None] = field(init=False)
    remaining: int = field(init=False)
    queue: float = 0.0
    decode: float = 0.0
    model: float = 0.0
    confidence: float = 0.0
    on_the_side: float = 0.0
    at_model: float = 0.0

    def __post_init__(self) -> None:
        self.remaining = len(self.images)
        self.answers = [None] * self.remaining

    def rows(self) -> list[Probabilities]:
        """The answers, once there is one for each image."""
        return [answer for answer in self.answers if answer is not None]


@dataclass(slots=True)
class Outcome:
    """What became of one image; neither answer nor error where nobody waits any more."""

    question: Question
    place: int
    answer: Probabilities | None = None
    error: Exception | None = None
    queue: float = 0.0
    decode: float = 0.0
    model: float = 0.0
    confidence: float = 0.0


class ImageError(Exception):
    """One image of a request, by its index there, has no answer; the cause is what was raised."""

    def __init__(self, place: int, cause: Exception) -> None:
        super().__init__(str(cause))
        self.place = place
        self.cause = cause
