"""The routes, as an ASGI application: `GET /ping`, `POST /invocations`,
`GET /execution-parameters`.

No framework, whose layers take as long a request as all of this.
https://asgi.readthedocs.io/en/latest/specs/www.html
"""

import logging
import time
from collections.abc import Callable
from typing import Any

import orjson

from inference.bodies import (
    JSON,
    QUOTED,
    answer_type,
    body_type,
    json_answer,
    npy_answer,
    read_images,
)
from inference.questions import ImageError
from inference.request import CUSTOM_ATTRIBUTES, GoneError, Refusal, Request
from inference.service import Service
from preprocessing import UnusableImage
from preprocessing.unusable import DecoderFault

logger = logging.getLogger("inference.requests")

Send = Any
"""ASGI's `send`."""
Answer = tuple[int, str, bytes, dict[str, str]]
"""Status, content type, body and further headers."""

METHODS = {"/ping": "GET", "/invocations": "POST", "/execution-parameters": "GET"}
# nginx's number for a client that left; nobody sees it but the log.
GONE = 499
# SageMaker allows so many megabytes of a transform's requests at once.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
TRANSFORM_MEGABYTES = 100


def application(service: Service) -> Callable[..., Any]:
    """The ASGI application of a service: /ping and /invocations."""

    async def app(scope: dict[str, Any], receive: Any, send: Send) -> None:
        if scope["type"] == "lifespan":
            await service.live(receive, send)
        elif scope["type"] == "http":
            await _route(service, scope, receive, send)

    return app


async def _route(service: Service, scope: dict[str, Any], receive: Any, send: Send) -> None:
    path, method = scope["path"], scope["method"]
    allowed = METHODS.get(path)
    if allowed is None:
        paths = ", ".join(METHODS)
        answer = _sentence(404, f"There is no {path[:QUOTED]!r} here, but {paths}.")
    elif method != allowed:
        answer = _sentence(405, f"{path} takes {allowed} only.", {"allow": allowed})
    elif path == "/invocations":
        await _invocations(service, Request(scope, receive, service.holding), send)
        return
    elif path == "/ping":
        answer = (200 if service.ready else 503, JSON, b"", {})
    else:
        answer = (200, JSON, orjson.dumps(_execution_parameters(service)), {})
    await _send(send, answer)


async def _invocations(service: Service, request: Request, send: Send) -> None:
    start = time.monotonic()
    images = 0
    try:
        images, answer = await _predict(service, request, start)
    except GoneError:
        answer = _sentence(GONE, "The client left.")
    except Refusal as refusal:
        answer = _sentence(refusal.status, refusal.sentence, refusal.headers)
    except ImageError as error:
        answer = _image_error(error, request.id)
    except Exception:
        logger.exception("failed", extra={"request_id": request.id})
        answer = _failed("request")
    finally:
        request.close()
    answer[3]["x-request-id"] = request.id
    if (attributes := request.custom_attributes) is not None:
        answer[3][CUSTOM_ATTRIBUTES.decode()] = attributes
    if answer[0] != GONE:
        await _send(send, answer)
    seconds = time.monotonic() - start
    service.metrics.request(answer[0], seconds)
    service.log.write(
        status=answer[0],
        milliseconds=round(seconds * 1000, 2),
        images=images,
        content_type=request.header(b"content-type")[:QUOTED],
        content_length=request.header(b"content-length")[:QUOTED],
        request_id=request.id,
    )


async def _predict(service: Service, request: Request, start: float) -> tuple[int, Answer]:
    """Gives the number of images and the answer about them.

    Raises:
        Refusal, ImageError, GoneError
    """
    settings = service.settings
    media_type = body_type(request.header(b"content-type"))
    kind = answer_type(request.header(b"accept", "*/*"))
    service.batcher.expect(1)
    try:
        body = await request.body(settings)
        read = time.monotonic() - start
        images, single = read_images(media_type, body, settings.images_per_request)
        deadline = start + settings.request_seconds
        await service.wait_until_ready(deadline)
    finally:
        service.batcher.expect(-1)
    question = await service.batcher.ask(images, deadline)
    rows = question.rows()
    service.metrics.answered(question, read)
    if kind == JSON:
        content = json_answer(
            rows,
            service.labels,
            single=single,
            model_package_arn=settings.model_package_arn,
            request_id=request.id,
        )
    else:
        content = npy_answer(rows)
    return len(rows), (200, kind, content, {})


def _image_error(error: ImageError, request_id: str) -> Answer:
    which = f"Image {error.place} of the request" if error.place else "The image"
    if isinstance(error.cause, UnusableImage):
        return _sentence(400, f"{which} {error.cause}.")
    if isinstance(error.cause, DecoderFault):
        # Golden requests went well, so that it is the file: no client's bytes are a server error.
        logger.error("not decoded", exc_info=error.cause, extra={"request_id": request_id})
        return _sentence(400, f"{which} cannot be decoded: the server's log says why.")
    logger.error("failed", exc_info=error.cause, extra={"request_id": request_id})
    return _failed("image")


def _failed(what: str) -> Answer:
    return _sentence(500, f"The server failed on this {what}: its log says why.")


def _sentence(status: int, text: str, headers: dict[str, str] | None = None) -> Answer:
    return status, JSON, orjson.dumps({"error": text}), dict(headers or {})


def _execution_parameters(service: Service) -> dict[str, Any]:
    """What batch transform asks for: one image a request.

    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
    """
    settings = service.settings
    megabytes = min(settings.body_megabytes, TRANSFORM_MEGABYTES)
    # Two for each thread: one is answered while the next one arrives.
    wanted = 2 * settings.threads * settings.workers
    return {
        "MaxConcurrentTransforms": max(1, min(wanted, TRANSFORM_MEGABYTES // megabytes)),
        "BatchStrategy": "SINGLE_RECORD",
        "MaxPayloadInMB": megabytes,
    }


async def _send(send: Send, answer: Answer) -> None:
    status, content_type, body, headers = answer
    lines = [
        (b"content-type", content_type.encode()),
        (b"content-length", b"%d" % len(body)),
        *((name.encode(), value.encode("latin-1")) for name, value in headers.items()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
