"""Media types: what a request's body may be and what its answer can be."""

from functools import lru_cache

from inference.refusal import Refusal

JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"
JSON, NPY = "application/json", "application/x-npy"
IMAGES = frozenset({JPEG, PNG, WEBP})
BODIES = (JPEG, PNG, WEBP, NPY, JSON)
ANSWERS = {JSON: JSON, "application/*": JSON, "*/*": JSON, NPY: NPY}
# What is quoted of a client's header in a sentence or a log line.
QUOTED = 100


@lru_cache(maxsize=64)
def body_type(given: str) -> str:
    """The media type of a `Content-Type` header.

    Raises:
        Refusal: 415 where it is none of BODIES.
    """
    media_type = _media_type(given)
    if media_type not in BODIES:
        raise Refusal(415, f"Content-Type is {given[:QUOTED]!r}: send one of {', '.join(BODIES)}.")
    return media_type


@lru_cache(maxsize=64)
def answer_type(given: str) -> str:
    """What an `Accept` header likes best, JSON or NPY, the first where it likes both alike.

    RFC 9110, 12.5.1.

    Raises:
        Refusal: 406 where it takes neither.
    """
    items = [(ANSWERS.get(_media_type(item)), _weight(item)) for item in given.split(",")]
    liked = [(weight, kind) for kind, weight in items if kind and weight > 0]
    if not liked:
        raise Refusal(406, f"Accept is {given[:QUOTED]!r}: the answer is {JSON} or {NPY}.")
    return max(liked, key=lambda each: each[0])[1]


def _media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


def _weight(item: str) -> float:
    for parameter in item.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
