"""`golden.json`: images and the answers that training's own model gave, asked for again here."""

import base64
import binascii
import json
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.model import Probabilities, UnusableModelError

# Releases before wrote 1, without pictures.
SCHEMAS = (1, 2)

# Other processors and libraries sum in another order, in float32: of a probability, absolute, and
# relative to it, so that many classes of small ones cannot change places. A wrong model, label or
# preprocessing is off by far more.
TOLERANCE = 0.002
RELATIVE_TOLERANCE = 0.01
# Of an equal share among the classes: probabilities below are taken for as large.
LEAST_SHARE = 0.001
# Levels, of 255, that JPEG, colour conversion and rounding may change a field's colour by.
PICTURE_TOLERANCE = 8


@dataclass(frozen=True)
class GoldenRequest:
    """One image as a client sends it, and the answer that it must get: its most probable class and
    probabilities, float32 [classes], in the order of `model.json`.
    """

    content_type: str
    body: bytes
    label: str
    probabilities: Probabilities


@dataclass(frozen=True)
class GoldenPicture:
    """An image file of another size, and what upright fields of one colour it shows: uint8 [rows,
    columns, 3], RGB.

    It is `fields` stretched over the whole square, whatever way the file holds it: another colour
    order, orientation, border or cut, or resizing without averaging, shows.
    """

    content_type: str
    body: bytes
    fields: npt.NDArray[np.uint8]


Ask = Callable[[GoldenRequest], Awaitable[Probabilities]]
"""Gives float32 [classes], by the way that a client's request takes."""


def read_golden(
    folder: Path, labels: Sequence[str]
) -> tuple[list[GoldenRequest], list[GoldenPicture]]:
    """Reads `golden.json` of a model folder.

    Raises:
        UnusableModelError: it is not there, or not what training writes for these labels.
    """
    file = folder / "golden.json"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnusableModelError(
            f"{file} cannot be read ({error.strerror}), and a model without it cannot prove "
            "itself: train the model again with this release."
        ) from error
    except ValueError as error:
        raise UnusableModelError(f"{file} is no JSON ({error}): train the model again.") from error
    try:
        if content["schema"] not in SCHEMAS or not content["requests"]:
            raise ValueError("it needs schema 1 or 2 and a request")
        return (
            [_request(each, labels) for each in content["requests"]],
            [read_picture(each) for each in content.get("pictures", ())],
        )
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise UnusableModelError(
            f"{file} does not hold golden requests for the labels of model.json "
            f"({type(error).__name__}: {error}): train the model again."
        ) from error


async def check_golden(requests: Sequence[GoldenRequest], labels: Sequence[str], ask: Ask) -> None:
    """Asks each request and compares label and probabilities, within `tolerances`.

    Raises:
        UnusableModelError: an answer is another one, or none.
    """
    for number, request in enumerate(requests, start=1):
        where = f"golden request {number} of {len(requests)}"
        try:
            answer = await ask(request)
        except Exception as error:
            raise UnusableModelError(
                f"The model fails on {where} ({_last_line(error)}): train it again."
            ) from error
        _compare(answer, request, labels, where)


def _compare(
    answer: Probabilities, request: GoldenRequest, labels: Sequence[str], where: str
) -> None:
    expected = request.probabilities
    allowed = tolerances(expected)
    off = np.abs(answer - expected)
    right = labels.index(request.label)
    best = int(answer.argmax())
    # Two classes that are as probable as each other may change places within the tolerance.
    behind = float(answer[best] - answer[right])
    # Not finite counts as apart.
    if np.all(off <= allowed) and behind <= allowed[right]:
        return
    worst = int((off / allowed).argmax())
    raise UnusableModelError(
        f"The model answers {where} with {labels[best]!r}, and training's said {request.label!r}; "
        f"of {labels[worst]!r} it gives the probability {answer[worst]:.4g}, and training's gave "
        f"{expected[worst]:.4g} and allows {allowed[worst]:.2g} more or less: check that "
        "model.json, golden.json and saved_model/ are of one training."
    )


def tolerances(probabilities: Probabilities) -> npt.NDArray[np.float64]:
    """How far another runtime's or processor's answer may be from each of `probabilities`."""
    least = LEAST_SHARE / len(probabilities)
    relative = RELATIVE_TOLERANCE * np.maximum(probabilities, least, dtype=np.float64)
    return np.minimum(relative, TOLERANCE)


def check_pictures(
    pictures: Sequence[GoldenPicture], pixels: Callable[[bytes], npt.NDArray[np.uint8]]
) -> None:
    """Looks at the fields in what `pixels` makes of each picture.

    Raises:
        UnusableModelError: a colour is another one, or there are no pixels.
    """
    for number, picture in enumerate(pictures, start=1):
        where = f"golden picture {number} of {len(pictures)}"
        try:
            square = pixels(picture.body)
        except Exception as error:
            raise UnusableModelError(
                f"Preprocessing fails on {where} ({_last_line(error)}): train the model again, or "
                "undo what was changed in preprocess."
            ) from error
        rows, columns = picture.fields.shape[:2]
        down, row = _inner(rows, len(square))
        right, column = _inner(columns, len(square))
        seen, expected = square[down][:, right], picture.fields[row][:, column]
        off = np.abs(seen.astype(int) - expected)
        if off.max() > PICTURE_TOLERANCE:
            y, x, _ = np.unravel_index(off.argmax(), off.shape)
            raise UnusableModelError(
                f"Preprocessing makes {seen[y, x].tolist()} of row {down[y]}, column {right[x]} of "
                f"{where}, and training's {expected[y, x].tolist()}: undo what was changed in "
                "preprocess, or change containers/preprocessing and train again."
            )


def _last_line(error: Exception) -> str:
    """Where a message has a traceback, what it ends with."""
    return str(error).strip().rpartition("\n")[2]


def _inner(fields: int, size: int) -> tuple[list[int], list[int]]:
    """So many fields side by side over `size` pixels: pixels that lie within one, and which."""
    wide = size / fields
    # What lies nearer to the next field than a pixel may have some of its colour.
    margin = max(1.0, wide / 8)
    found: list[tuple[int, int]] = []
    for field in range(fields):
        first, end = math.ceil(field * wide + margin), math.floor((field + 1) * wide - margin)
        within = range(first, end) or [int((field + 0.5) * wide)]
        found += [(pixel, field) for pixel in within]
    return [pixel for pixel, _ in found], [field for _, field in found]


def _request(content: dict[str, Any], labels: Sequence[str]) -> GoldenRequest:
    probabilities = np.asarray(content["probabilities"], np.float32)
    if probabilities.shape != (len(labels),):
        raise ValueError(f"{probabilities.size} probabilities for {len(labels)} labels")
    if not np.isfinite(probabilities).all():
        raise ValueError("a probability that is not finite")
    if content["label"] not in labels:
        raise ValueError(f"the label {content['label']!r}")
    body = base64.b64decode(content["body"], validate=True)
    return GoldenRequest(str(content["content_type"]), body, content["label"], probabilities)


def read_picture(content: dict[str, Any]) -> GoldenPicture:
    """A picture of `golden.json`.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    fields = np.asarray(content["fields"])
    if fields.ndim != 3 or fields.shape[2] != 3 or fields.min() < 0 or fields.max() > 255:
        raise ValueError(f"fields of shape {list(fields.shape)}")
    body = base64.b64decode(content["body"], validate=True)
    return GoldenPicture(str(content["content_type"]), body, fields.astype(np.uint8))
