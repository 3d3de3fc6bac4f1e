"""Bodies and their media types: images of a request, predictions of an answer.

Images come as one file, a NumPy array, or JSON with several files in base64; predictions go as
JSON, probabilities as a NumPy array too.
"""

import io
import math
import tokenize
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
from numpy.lib import format as npy

from inference.model import Probabilities
from inference.processing import postprocess
from inference.questions import Content
from inference.request import Refusal

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


# An array's header says its shape and type in less; NumPy parses it as Python source.
NPY_HEADER_BYTES = 512
# What NumPy's header reader raises on bytes that are none.
BROKEN_HEADER = (
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    SyntaxError,
    RecursionError,
    MemoryError,
    OverflowError,
    tokenize.TokenError,
)
PIXELS = "uint8 [height, width, 3] or [n, height, width, 3]"
LIST = '{"images": ["<base64>", ...]}'


def read_images(media_type: str, body: bytes, most: int) -> tuple[list[Content], bool]:
    """The images in a body of one of BODIES, at most `most`.

    Returns:
        The images, and whether it is one and not a list of one.

    Raises:
        Refusal: 400 for a body that is empty or not what its type says, 413 for too many images.
    """
    if not body:
        raise Refusal(400, "The body is empty: send an image.")
    if media_type in IMAGES:
        return [body], True
    images, single = _array(body) if media_type == NPY else (_list(body), False)
    if not images:
        raise Refusal(400, "The body holds no image: send one or more.")
    if len(images) > most:
        raise Refusal(
            413, f"The body holds {len(images)} images: send at most {most} in a request."
        )
    return images, single


def _array(body: bytes) -> tuple[list[Content], bool]:
    """An array of pixels, without a copy and without ever unpickling."""
    file = io.BytesIO(body)
    try:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, by_columns, kind = read(file, max_header_size=NPY_HEADER_BYTES)
    except BROKEN_HEADER:
        raise Refusal(400, f"The body is no NumPy array: send {PIXELS}.") from None
    start = file.tell()
    if kind != np.uint8 or by_columns or len(shape) not in (3, 4) or shape[-1] != 3:
        order = " by columns" if by_columns else ""
        raise Refusal(400, f"The array is {kind} {list(shape)}{order}: send {PIXELS}, by rows.")
    if min(shape) < 0 or 0 in shape[-3:] or math.prod(shape) != len(body) - start:
        raise Refusal(
            400, f"The array says shape {list(shape)} and holds {len(body) - start} bytes."
        )
    pixels = np.frombuffer(body, np.uint8, offset=start).reshape(shape)
    return ([pixels], True) if len(shape) == 3 else (list(pixels), False)


def _list(body: bytes) -> list[Content]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"The body is no JSON ({error}): send {LIST}.") from None
    images = content.get("images") if isinstance(content, dict) else None
    if not isinstance(images, list) or not all(isinstance(image, str) for image in images):
        raise Refusal(400, f"The JSON holds no list of texts under images: send {LIST}.")
    return images


def json_answer(
    rows: Sequence[Probabilities],
    labels: Sequence[str],
    *,
    single: bool,
    model_package_arn: str | None,
    request_id: str,
) -> bytes:
    """`{"label", "probability", "probabilities", "top", "model_package_arn", "request_id"}`, or
    `{"predictions": [{"label", ...}, ...], "model_package_arn", "request_id"}` for a batch.

    A row is float32 [classes] of an image.
    """
    predictions = [postprocess(row, labels) for row in rows]
    answer: dict[str, Any] = predictions[0] if single else {"predictions": predictions}
    answer |= {"model_package_arn": model_package_arn, "request_id": request_id}
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def npy_answer(rows: Sequence[Probabilities]) -> bytes:
    """Float32 [n, classes]."""
    file = io.BytesIO()
    np.save(file, np.stack(rows), allow_pickle=False)
    return file.getvalue()
