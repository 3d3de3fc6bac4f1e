"""Requests of every kind, and what each must get. The model is that of make_models.py."""

import base64
import io
import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from .raw_client import Response, chunked, request
from .servers import SIZE

# make_models.py breaks on 77.
GREYS = [grey for grey in range(256) if grey != 77]
TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
NPY = "application/x-npy"
TOLERANCE = 1e-4


class WrongAnswerError(AssertionError):
    """The server answered otherwise than it must."""


Check = Callable[[Response | None], None]


@dataclass(frozen=True)
class Case:
    """Attributes:
    check: raises WrongAnswerError.
    """

    name: str
    request: bytes
    check: Check


def bright(grey: int) -> float:
    """What the model must say of an image of one grey: the logits are 6 grey / 255 - 3 for
    "bright" and the opposite for "dark".
    """
    return 1 / (1 + math.exp(6 - 12 * grey / 255))


@lru_cache(maxsize=4096)
def file(grey: int, kind: str, side: int) -> bytes:
    """An image file that decodes to exactly this grey."""
    content = io.BytesIO()
    options = {"JPEG": {"quality": 100}, "WEBP": {"lossless": True}}.get(kind, {})
    Image.new("RGB", (side, side), (grey, grey, grey)).save(content, kind, **options)
    return content.getvalue()


def npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def good(numbers: random.Random) -> Case:
    """An image or several, in one of the ways that the README names."""
    grey = numbers.choice(GREYS)
    kind = numbers.choice([*TYPES, "padded", "chunked", "JSON", "npy", "npy answer"])
    if kind in TYPES:
        body = file(grey, kind, numbers.choice([SIZE, 33, 224]))
        return Case(kind, request(body, TYPES[kind]), _says([grey], single=True))
    if kind == "padded":
        # Large bodies show a server that keeps them. A decoder stops at the image's end.
        body = file(grey, "PNG", SIZE) + bytes(200_000)
        return Case(kind, request(body, "image/png"), _says([grey], single=True))
    if kind == "chunked":
        body = file(grey, "JPEG", 224)
        return Case(kind, chunked(body, "image/jpeg", numbers), _says([grey], single=True))
    greys = [grey, *numbers.choices(GREYS, k=numbers.randrange(4))]
    if kind == "JSON":
        files = [base64.b64encode(file(each, "PNG", SIZE)).decode() for each in greys]
        body = json.dumps({"images": files}).encode()
        return Case(kind, request(body, "application/json"), _says(greys, single=False))
    pixels = np.stack([np.full((SIZE, SIZE, 3), each, np.uint8) for each in greys])
    if kind == "npy":
        return Case(kind, request(npy(pixels), NPY), _says(greys, single=False))
    return Case(kind, request(npy(pixels), NPY, accept=NPY), _says_npy(greys))


def _says(greys: list[int], *, single: bool) -> Check:
    def check(response: Response | None) -> None:
        content = _content(response, 200)
        predictions = [content] if single else content["predictions"]
        found = [each["probabilities"]["bright"] for each in predictions]
        _compare(found, greys)
        for each, value in zip(predictions, found, strict=True):
            label = "bright" if value > 0.5 else "dark"
            _demand(each["label"] == label, f"{each['label']} at {value} for bright")
            _demand(each["probability"] == max(value, each["probabilities"]["dark"]), each)

    return check


def _says_npy(greys: list[int]) -> Check:
    def check(response: Response | None) -> None:
        _demand(response is not None and response.status == 200, response)
        assert response is not None
        array = np.load(io.BytesIO(response.body), allow_pickle=False)
        _demand(array.dtype == np.float32 and array.shape == (len(greys), 2), array)
        _compare(array[:, 1].tolist(), greys)

    return check


def _compare(found: list[float], greys: list[int]) -> None:
    wanted = [bright(grey) for grey in greys]
    alike = len(found) == len(wanted) and np.allclose(found, wanted, rtol=0, atol=TOLERANCE)
    _demand(alike, f"bright with {found} instead of {wanted} for greys {greys}")


def refused(status: int) -> Check:
    """One sentence of JSON with this status."""

    def check(response: Response | None) -> None:
        sentence = _content(response, status)["error"]
        _demand(isinstance(sentence, str) and sentence.endswith("."), sentence)

    return check


def refused_or_closed(response: Response | None) -> None:
    """What isn't HTTP may get a status of 4xx, or no answer at all."""
    _demand(response is None or 400 <= response.status < 500, response)


def _content(response: Response | None, status: int) -> dict[str, object]:
    _demand(response is not None and response.status == status, f"{response}, not {status}")
    assert response is not None
    content: dict[str, object] = response.json()
    return content


def _demand(holds: object, otherwise: object) -> None:
    if not holds:
        raise WrongAnswerError(str(otherwise)[:500])


def bad(numbers: random.Random) -> Case:
    """Well-formed HTTP that asks for what can't be had."""
    image = file(numbers.choice(GREYS), "PNG", SIZE)
    noise = noisy(numbers.choice(["PNG", "JPEG"]))
    half = noise[: len(noise) // 2]
    return numbers.choice(
        [
            Case("empty", request(b"", "image/png"), refused(400)),
            Case("random bytes", request(numbers.randbytes(500), "image/jpeg"), refused(400)),
            Case("truncated", request(half, "image/png"), refused(400)),
            Case("bomb", request(bomb(), "image/png"), refused(400)),
            Case("text", request(image, "text/plain"), refused(415)),
            Case("no type", request(image, ""), refused(415)),
            Case("accept", request(image, "image/png", accept="text/csv"), refused(406)),
            Case("method", request(image, "image/png", method="PUT"), refused(405)),
            Case("no JSON", request(b"{", "application/json"), refused(400)),
            Case("deep", request(b"[" * 100_000, "application/json"), refused(400)),
            Case("images", request(b'{"images": 5}', "application/json"), refused(400)),
            Case("base64", request(b'{"images": ["%%"]}', "application/json"), refused(400)),
            Case("no npy", request(numbers.randbytes(200), NPY), refused(400)),
            Case("floats", request(npy(np.zeros((1, SIZE, SIZE, 3))), NPY), refused(400)),
            Case("shape", request(npy(np.zeros((SIZE, 3), np.uint8)), NPY), refused(400)),
            Case("pickle", request(pickled(), NPY), refused(400)),
            Case("promise", request(promising(), NPY), refused(400)),
        ]
    )


def hostile(numbers: random.Random) -> Case:
    """What is no HTTP, or meant to break a parser."""
    body = file(numbers.choice(GREYS), "PNG", SIZE)
    post = b"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\n"
    broken = post + b"transfer-encoding: chunked\r\n\r\n"
    return numbers.choice(
        [
            Case("no HTTP", numbers.randbytes(100) + b"\r\n\r\n", refused_or_closed),
            Case("TLS", b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", refused_or_closed),
            Case("negative", post + b"content-length: -1\r\n\r\n" + body, refused_or_closed),
            Case(
                "endless", post + b"content-length: 9" + b"9" * 30 + b"\r\n\r\n", refused_or_closed
            ),
            Case("chunk", broken + b"zz\r\n" + body, refused_or_closed),
            Case("header", post + b"x: " + b"y" * 200_000 + b"\r\n\r\n", refused_or_closed),
            Case("line", b"POST /" + b"y" * 200_000 + b" HTTP/1.1\r\n\r\n", refused_or_closed),
        ]
    )


@lru_cache
def noisy(kind: str) -> bytes:
    """Pixels that don't compress, so that half of the file is no image."""
    content = io.BytesIO()
    pixels = random.Random(1).randbytes(64 * 64 * 3)
    Image.frombytes("RGB", (64, 64), pixels).save(content, kind)
    return content.getvalue()


@lru_cache
def bomb() -> bytes:
    """50 kB that would be 1.2 GB of pixels."""
    content = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(content, "PNG")
    return content.getvalue()


@lru_cache
def pickled() -> bytes:
    """An array whose reading would run what the sender wants."""
    content = io.BytesIO()
    np.save(content, np.array([{"images": 1}], dtype=object), allow_pickle=True)
    return content.getvalue()


@lru_cache
def promising() -> bytes:
    """A header of 30 GB of pixels, and none of them."""
    content = io.BytesIO()
    shape = (10_000, 1000, 1000, 3)
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(content, header)
    return content.getvalue()
