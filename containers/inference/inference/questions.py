"""A request's images on their way through the queue, and what comes back for each."""

import asyncio
from dataclasses import dataclass, field

from inference.contents import Content
from inference.model import Probabilities


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
    """One image of a request has no answer.

    place: its index in the request.
    cause: what was raised.
    """

    def __init__(self, place: int, cause: Exception) -> None:
        super().__init__(str(cause))
        self.place = place
        self.cause = cause
