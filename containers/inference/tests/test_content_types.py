"""What else than one image file a request may hold, and what an answer holds."""

import base64
import io
import json
import pickle
from pathlib import Path

import httpx
import numpy as np
import pytest

from .servers import SIZE, Server, StartServer, picture

NPY = "application/x-npy"
ARN = "arn:aws:sagemaker:eu-west-1:111122223333:model-package/shardwise-dev/7"


def npy(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version)
    return file.getvalue()


def greys(*values: int, size: int = SIZE) -> np.ndarray:
    return np.stack([np.full((size, size, 3), value, np.uint8) for value in values])


def as_json(*images: bytes) -> bytes:
    return json.dumps({"images": [base64.b64encode(each).decode() for each in images]}).encode()


def test_an_answer_names_the_likeliest_labels_the_package_and_the_request(
    start_server: StartServer, models: Path
) -> None:
    server = start_server(models / "pixels", MODEL_PACKAGE_ARN=ARN)
    server.wait_until_ready()
    ramp = np.arange(SIZE * SIZE * 3, dtype=np.uint8).reshape(SIZE, SIZE, 3)

    answer = server.post(npy(ramp), NPY).json()

    assert answer["model_package_arn"] == ARN
    assert len(answer["request_id"]) == 32
    assert [each["label"] for each in answer["top"]] == ["191", "190", "189", "188", "187"]
    assert answer["top"][0] == {"label": answer["label"], "probability": answer["probability"]}


def test_without_a_package_the_answer_says_null(server: Server) -> None:
    assert server.post(picture()).json()["model_package_arn"] is None


@pytest.mark.parametrize("header", ["X-Amzn-SageMaker-Inference-Id", "X-Request-Id"])
def test_a_clients_request_id_is_in_the_answer_and_in_the_log(server: Server, header: str) -> None:
    answer = server.post(picture(), **{header: "client-17"})

    assert answer.json()["request_id"] == answer.headers["x-request-id"] == "client-17"
    assert server.log_lines()[-1]["request_id"] == "client-17"


@pytest.mark.parametrize("given", ["x" * 129, "é"])
def test_a_request_id_that_could_spoil_a_log_is_replaced(server: Server, given: str) -> None:
    answer = server.client.post(
        "/invocations",
        content=picture(),
        headers=httpx.Headers(
            {"content-type": "image/png", "x-request-id": given}, encoding="utf-8"
        ),
    )

    assert len(answer.json()["request_id"]) == 32


def test_custom_attributes_come_back(server: Server) -> None:
    header = "X-Amzn-SageMaker-Custom-Attributes"

    assert server.post(picture(), **{header: "trace=4 a"}).headers[header] == "trace=4 a"


def test_an_array_of_one_image_is_answered_as_one(server: Server) -> None:
    assert server.post(npy(greys(255)[0]), NPY).json()["label"] == "bright"


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_an_array_of_several_images_is_answered_in_its_order(
    server: Server, version: tuple[int, int]
) -> None:
    values = [0, 255, 255, 0] * 10

    answer = server.post(npy(greys(*values), version), NPY).json()

    labels = [each["label"] for each in answer["predictions"]]
    assert labels == ["dark" if value == 0 else "bright" for value in values]
    assert set(answer) == {"predictions", "model_package_arn", "request_id"}
    assert set(answer["predictions"][0]) == {"label", "probability", "probabilities", "top"}


def test_an_array_of_another_size_is_stretched(server: Server) -> None:
    assert server.post(npy(greys(255, size=50)[0]), NPY).json()["label"] == "bright"


def test_json_holds_files_of_any_kind(server: Server) -> None:
    body = as_json(picture(0), picture(255, "JPEG"), picture(255, "WEBP", (70, 30)))

    answer = server.post(body, "application/json").json()

    assert [each["label"] for each in answer["predictions"]] == ["dark", "bright", "bright"]


def test_an_image_that_cannot_be_used_is_named_by_its_place(server: Server) -> None:
    answer = server.post(as_json(picture(), picture()[:30]), "application/json")

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Image 1 of the request cannot be decoded")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is empty"),
        (b"{", "is no JSON"),
        (b"[]", "no list of texts under images"),
        (b'{"images": "text"}', "no list of texts under images"),
        (b'{"images": [1]}', "no list of texts under images"),
        (b'{"images": []}', "holds no image"),
        (b'{"images": ["%%%"]}', "is no base64"),
        (b'{"images": ["' + "é".encode() + b'"]}', "is no base64"),
        (b"[" * 100_000, "is no JSON"),
        (json.dumps({"images": ["AAAA"] * 257}).encode(), "257 images: send at most 256"),
    ],
)
def test_json_that_holds_no_images_is_refused_with_its_reason(
    server: Server, body: bytes, reason: str
) -> None:
    answer = server.post(body, "application/json")

    assert answer.status_code in (400, 413)
    assert reason in answer.json()["error"]


# A PNG file may have anything behind its end: here the digits that alphabets differ in.
TEXT = base64.b64encode(picture(255).ljust(99, b"\xff") + b"\xfb\xff\xbf\xff").decode()


def wrapped(text: str, width: int, end: str) -> str:
    return "".join(text[at : at + width] + end for at in range(0, len(text), width))


@pytest.mark.parametrize(
    "text",
    [
        TEXT + "\n",
        wrapped(TEXT, 76, "\r\n"),
        wrapped(TEXT, 64, "\n"),
        f"data:image/png;base64,{TEXT}",
        f" DATA:image/png;name=a.png;BASE64,{wrapped(TEXT, 60, ' ')}",
        TEXT.replace("+", "-").replace("/", "_"),
        TEXT.rstrip("="),
    ],
)
def test_base64_that_can_be_meant_in_one_way_only_is_taken(server: Server, text: str) -> None:
    assert "+" in TEXT
    assert "/" in TEXT
    answer = server.post(json.dumps({"images": [text]}).encode(), "application/json")

    assert answer.json()["predictions"][0]["label"] == "bright"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("%2BAA=", "the character '%' is none of base64's"),
        ("é", "the character 'é' is none of base64's"),
        ("https://example.com/a.png", "the character ':' is none of base64's"),
        ("data:image/png,AAAA", "it is a data: URL without ;base64, in its head"),
        (f"{TEXT}=={TEXT}", "something follows its padding, ="),
        ("AAAAA", "5 characters and 0 of padding are no whole bytes"),
        ("AAA A====", "4 characters and 4 of padding are no whole bytes"),
    ],
)
def test_what_is_no_base64_is_told_why_and_what_to_send(
    server: Server, text: str, cause: str
) -> None:
    answer = server.post(json.dumps({"images": [text]}).encode(), "application/json")

    assert answer.status_code == 400
    said = f"is no base64, as {cause}: send the file's bytes in base64."
    assert answer.json()["error"].endswith(said)


def header(shape: str, kind: str = "|u1", by_columns: bool = False) -> bytes:
    """An array's header that claims what it likes."""
    text = f"{{'descr': '{kind}', 'fortran_order': {by_columns}, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\x93NUMPY", "no NumPy array"),
        (header("(8, 8, 3"), "no NumPy array"),
        (header("-" * 400 + "1"), "no NumPy array"),
        (header("(" + "9" * 400 + ", 8, 3)"), "and holds 0 bytes"),
        (header("(8, 8, 3)") + bytes(191), "and holds 191 bytes"),
        (header("(-1, -64, 3)") + bytes(192), "and holds 192 bytes"),
        (header("(0, 8, 8, 3)"), "holds no image"),
        (header("(8, 8, 4)") + bytes(256), "uint8 [8, 8, 4]: send uint8"),
        (header("(8, 8)") + bytes(64), "uint8 [8, 8]: send uint8"),
        (header("(8, 8, 3)", by_columns=True) + bytes(192), "by columns"),
        (npy(np.zeros((8, 8, 3), np.float32)), "float32 [8, 8, 3]: send uint8"),
        (pickle.dumps(greys(0)), "no NumPy array"),
        (npy(np.array([{}], object)), "object [1]: send uint8"),
    ],
)
def test_an_array_that_is_no_image_is_refused_with_its_reason(
    server: Server, body: bytes, reason: str
) -> None:
    answer = server.post(body, NPY)

    assert answer.status_code == 400
    assert reason in answer.json()["error"]


@pytest.mark.parametrize("accept", [NPY, f"{NPY}, application/json;q=0.9", f"text/html, {NPY}"])
def test_an_answer_can_be_an_array_of_probabilities(server: Server, accept: str) -> None:
    answer = server.post(npy(greys(0, 255)), NPY, accept=accept)

    probabilities = np.load(io.BytesIO(answer.content), allow_pickle=False)
    assert answer.headers["content-type"] == NPY
    assert (probabilities.dtype, probabilities.shape) == (np.float32, (2, 2))
    assert probabilities.argmax(axis=1).tolist() == [0, 1]


def test_the_answer_is_json_where_a_client_likes_both_alike(server: Server) -> None:
    answer = server.post(picture(), accept=f"application/json, {NPY}")

    assert answer.headers["content-type"] == "application/json"


def test_batch_transform_learns_how_to_send(server: Server) -> None:
    parameters = server.client.get("/execution-parameters").json()

    assert parameters["BatchStrategy"] == "SINGLE_RECORD"
    assert parameters["MaxPayloadInMB"] == 6
    assert 1 <= parameters["MaxConcurrentTransforms"] <= 16
