"""An image as each server takes it, and the answer as each gives it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass

BOUNDARY = "an-image"


@dataclass(frozen=True)
class Call:
    """A request's body and headers."""

    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """Attributes:
    probabilities: in the order of the labels.
    """

    label: str
    probabilities: tuple[float, ...]


def raw(image: bytes) -> Call:
    return Call(image, {"content-type": "image/jpeg"})


def upload(field: str) -> Callable[[bytes], Call]:
    """A form with one file, as browsers and `curl -F` send it."""

    def call(image: bytes) -> Call:
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="image.jpg"'
            "\r\nContent-Type: image/jpeg\r\n\r\n"
        )
        body = head.encode() + image + f"\r\n--{BOUNDARY}--\r\n".encode()
        return Call(body, {"content-type": f"multipart/form-data; boundary={BOUNDARY}"})

    return call


def open_inference(image: bytes) -> Call:
    """The Open Inference Protocol's JSON, a file as base64.

    https://docs.seldon.ai/mlserver/user-guide/content-type
    """
    tensor = {
        "name": "images",
        "datatype": "BYTES",
        "shape": [1, 1],
        "parameters": {"content_type": "base64"},
        "data": [base64.b64encode(image).decode()],
    }
    return Call(json.dumps({"inputs": [tensor]}).encode(), {"content-type": "application/json"})


def read(content: bytes) -> Answer:
    said = json.loads(content)
    return Answer(said["label"], tuple(said["probabilities"].values()))


def read_first(content: bytes) -> Answer:
    """Of a list of one answer."""
    return read(json.dumps(json.loads(content)[0]).encode())


def read_open_inference(content: bytes) -> Answer:
    outputs = {each["name"]: each["data"] for each in json.loads(content)["outputs"]}
    return Answer(outputs["labels"][0], tuple(outputs["probabilities"]))
