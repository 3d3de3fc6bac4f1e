"""Why a request gets no prediction."""

from collections.abc import Mapping

RETRY_AFTER_SECONDS = 1


class Refusal(Exception):  # noqa: N818 - it is an answer, and reads so in `except`
    """Answered as a status with one sentence.

    headers: beside those that every answer has, in lower case.
    """

    def __init__(self, status: int, sentence: str, headers: Mapping[str, str] | None = None):
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.headers = dict(headers or {})


def overloaded(sentence: str) -> Refusal:
    """429, and when to come again: clients that ask too much are no fault of the model, which a
    server error would take back.
    """
    return Refusal(429, sentence, {"retry-after": str(RETRY_AFTER_SECONDS)})


def unavailable(sentence: str) -> Refusal:
    """503, and when to come again."""
    return Refusal(503, sentence, {"retry-after": str(RETRY_AFTER_SECONDS)})
