"""What a client meets at POST /invocations."""

import io
import math
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from .servers import SIZE, Server, picture

KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("grey", "label"), [(255, "bright"), (0, "dark")])
def test_an_image_gets_its_label(server: Server, kind: str, grey: int, label: str) -> None:
    answer = server.post(picture(grey, kind), KINDS[kind])

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["label"] == label


def test_the_probabilities_name_every_label_and_sum_to_one(server: Server) -> None:
    answer = server.post(picture(200)).json()

    assert set(answer["probabilities"]) == {"dark", "bright"}
    assert math.isclose(sum(answer["probabilities"].values()), 1, rel_tol=1e-5)
    assert answer["probability"] == max(answer["probabilities"].values())


def test_the_probability_is_the_models_own(server: Server) -> None:
    # The model's logits for a white image are 3 and -3 (make_models.py).
    expected = 1 / (1 + math.exp(-6))

    assert math.isclose(server.post(picture(255)).json()["probability"], expected, rel_tol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (900, 700)])
def test_an_image_of_any_size_is_answered(server: Server, size: tuple[int, int]) -> None:
    assert server.post(picture(255, size=size)).json()["label"] == "bright"


def test_content_type_may_carry_parameters_and_capitals(server: Server) -> None:
    assert server.post(picture(), "Image/PNG; name=x").status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "image/gif", "application/x-npz", ""])
def test_another_content_type_is_answered_415(server: Server, content_type: str) -> None:
    answer = server.post(picture(), content_type)

    assert answer.status_code == 415
    assert "send one of image/jpeg, image/png" in answer.json()["error"]


@pytest.mark.parametrize("accept", ["text/csv", "image/png, text/html", "application/json;q=0"])
def test_an_accept_without_json_is_answered_406(server: Server, accept: str) -> None:
    answer = server.post(picture(), accept=accept)

    assert answer.status_code == 406
    assert "application/json" in answer.json()["error"]


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "text/html, application/json;q=0.5", "application/*"]
)
def test_an_accept_with_json_is_answered(server: Server, accept: str) -> None:
    assert server.post(picture(), accept=accept).status_code == 200


def test_a_body_over_6_mib_is_answered_413(server: Server) -> None:
    answer = server.post(bytes(6 * 1024 * 1024 + 1))

    assert answer.status_code == 413
    assert "6291456 bytes" in answer.json()["error"]


def test_a_body_of_6_mib_is_read(server: Server) -> None:
    image = picture()
    padded = image + bytes(6 * 1024 * 1024 - len(image))  # a decoder stops at the image's end

    assert server.post(padded).status_code == 200


def test_a_body_without_a_length_is_limited_too(server: Server) -> None:
    chunks = (bytes(1024 * 1024) for _ in range(8))

    answer = server.client.post(
        "/invocations", content=chunks, headers={"content-type": "image/png"}
    )

    assert answer.status_code == 413


def test_an_empty_body_is_answered_400(server: Server) -> None:
    answer = server.post(b"")

    assert answer.status_code == 400
    assert "empty" in answer.json()["error"]


def noise(kind: str) -> bytes:
    """Pixels that do not compress, so that cutting the file loses some."""
    pixels = random.Random(1).randbytes(64 * 64 * 3)
    file = io.BytesIO()
    Image.frombytes("RGB", (64, 64), pixels).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_image_is_answered_400_with_the_reason(server: Server, kind: str) -> None:
    image = noise(kind)

    answer = server.post(image[: len(image) // 2], KINDS[kind])

    assert answer.status_code == 400
    # The words of libjpeg-turbo, our own and those of libwebp.
    reasons = {
        "JPEG": "Premature end",
        "PNG": "ends within its chunk",
        "WEBP": "could not create decoder",
    }
    assert reasons[kind] in answer.json()["error"]


def test_a_decompression_bomb_is_answered_400(server: Server) -> None:
    file = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(file, "PNG")

    answer = server.post(file.getvalue())

    assert answer.status_code == 400
    assert "pixels" in answer.json()["error"]


@settings(max_examples=100)
@given(body=st.binary(min_size=1, max_size=2000), kind=st.sampled_from(list(KINDS.values())))
def test_random_bytes_are_answered_400(server: Server, body: bytes, kind: str) -> None:
    assert server.post(body, kind).status_code == 400


@settings(max_examples=100)
@given(data=st.data(), kind=st.sampled_from(list(KINDS)))
def test_damaged_images_are_answered_200_or_400(
    server: Server, data: st.DataObject, kind: str
) -> None:
    image = bytearray(picture(128, kind))
    for position in data.draw(st.lists(st.integers(0, len(image) - 1), min_size=1, max_size=8)):
        image[position] = data.draw(st.integers(0, 255))

    assert server.post(bytes(image), KINDS[kind]).status_code in {200, 400}


def test_eight_clients_at_once_get_their_own_answers(server: Server) -> None:
    greys = [0, 255] * 40

    with ThreadPoolExecutor(8) as clients:
        answers = list(
            clients.map(lambda grey: server.post(picture(grey, size=(64, 64))).json(), greys)
        )

    assert [answer["label"] for answer in answers] == ["dark", "bright"] * 40


def test_a_failure_is_answered_500_and_the_next_image_is_answered(server: Server) -> None:
    answer = server.post(picture(77))  # the grey that breaks the model (make_models.py)

    assert answer.status_code == 500
    assert answer.json() == {"error": "The server failed on this image: its log says why."}
    assert "not finite" in server.log.read_text()
    assert server.post(picture(255)).json()["label"] == "bright"


def test_another_method_is_answered_405_and_another_path_404(server: Server) -> None:
    assert server.client.get("/invocations").status_code == 405
    assert server.client.get("/models").status_code == 404


def test_the_log_tells_of_a_request_but_holds_no_image(server: Server) -> None:
    body = b"not an image but a secret"
    server.post(body)

    line = server.log_lines()[-1]
    assert line["message"] == "request"
    assert line["status"] == 400
    assert line["content_length"] == str(len(body))
    assert "secret" not in server.log.read_text()


def test_the_images_of_the_tests_have_the_models_size() -> None:
    assert Image.open(io.BytesIO(picture())).size == (SIZE, SIZE)
