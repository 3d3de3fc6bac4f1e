"""`golden.json`: images and the answers that training's own model gave, asked for again here."""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.artifact import UnusableModelError
from inference.model import Probabilities, first_line

SCHEMA = 1

# Absolute, of a probability: other processors and libraries sum in another order, in float32. A
# wrong model, label or preprocessing is off by far more.
TOLERANCE = 0.002


@dataclass(frozen=True)
class GoldenRequest:
    """One image as a client sends it, and the answer that it must get.

    Attributes:
        label: the most probable class.
        probabilities: float32 [classes], in the order of `model.json`.
    """

    content_type: str
    body: bytes
    label: str
    probabilities: Probabilities


Ask = Callable[[GoldenRequest], Awaitable[Probabilities]]
"""Gives float32 [classes], by the way that a client's request takes."""


def read_golden(folder: Path, labels: Sequence[str]) -> tuple[GoldenRequest, ...]:
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
        if content["schema"] != SCHEMA or not content["requests"]:
            raise ValueError(f"it needs schema {SCHEMA} and a request")
        return tuple(_request(each, labels) for each in content["requests"])
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise UnusableModelError(
            f"{file} does not hold golden requests for the labels of model.json "
            f"({type(error).__name__}: {error}): train the model again."
        ) from error


async def check_golden(requests: Sequence[GoldenRequest], labels: Sequence[str], ask: Ask) -> None:
    """Asks each request and compares label and probabilities, within TOLERANCE.

    Raises:
        UnusableModelError: an answer is another one, or none.
    """
    for number, request in enumerate(requests, start=1):
        where = f"golden request {number} of {len(requests)}"
        try:
            answer = await ask(request)
        except Exception as error:
            raise UnusableModelError(
                f"The model fails on {where} ({first_line(error)}): train it again."
            ) from error
        _compare(answer, request, labels, where)


def _compare(
    answer: Probabilities, request: GoldenRequest, labels: Sequence[str], where: str
) -> None:
    off = float(np.abs(answer - request.probabilities).max())
    # Two classes that are as probable as each other may change places within the tolerance.
    behind = float(answer.max() - answer[labels.index(request.label)])
    if off <= TOLERANCE and behind <= TOLERANCE:
        return
    raise UnusableModelError(
        f"The model answers {where} with {labels[int(answer.argmax())]!r} and probabilities up to "
        f"{off:.3g} away from training's, which said {request.label!r} and allow {TOLERANCE}: "
        "check that model.json, golden.json and saved_model/ are of one training."
    )


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
