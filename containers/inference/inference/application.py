"""The routes: `GET /ping` and `POST /invocations`."""

import logging
import time
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Lifespan

from inference.negotiation import check_accept, check_content_type, read_body
from inference.predictor import Predictor
from preprocessing import UnusableImage

logger = logging.getLogger("inference.requests")


def application(predictor: Predictor, lifespan: Lifespan[Starlette]) -> Starlette:
    async def ping(_request: Request) -> Response:
        return Response(status_code=200 if predictor.ready else 503)

    async def invocations(request: Request) -> Response:
        check_content_type(request)
        check_accept(request)
        body = await read_body(request)
        if not predictor.ready:
            raise HTTPException(503, "The model is still loading: ask again when /ping says 200.")
        if not body:
            raise HTTPException(400, "The body is empty: send one JPEG or PNG image.")
        return JSONResponse(await predictor.predict(body))

    return Starlette(
        routes=[
            Route("/ping", ping, methods=["GET"]),
            Route("/invocations", logged(invocations), methods=["POST"]),
        ],
        exception_handlers={HTTPException: say},
        lifespan=lifespan,
    )


Endpoint = Callable[[Request], Awaitable[Response]]


def logged(endpoint: Endpoint) -> Endpoint:
    """Answers a failure with a sentence and logs a line a request: size, type, time, no content."""

    async def answer(request: Request) -> Response:
        start = time.perf_counter()
        response = await _answer_or_say(endpoint, request)
        logger.info(
            "request",
            extra={
                "status": response.status_code,
                "milliseconds": round((time.perf_counter() - start) * 1000, 1),
                "content_type": request.headers.get("content-type"),
                "content_length": request.headers.get("content-length"),
            },
        )
        return response

    return answer


async def _answer_or_say(endpoint: Endpoint, request: Request) -> Response:
    try:
        return await endpoint(request)
    except HTTPException as error:
        return say(request, error)
    except UnusableImage as error:
        return sentence(400, f"The image {error}.")
    except ClientDisconnect:
        return Response(status_code=400)
    except Exception:
        logger.exception("failed")
        return sentence(500, "The server failed on this image: its log says why.")


def say(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise TypeError("Only an HTTPException knows its status.")
    return sentence(error.status_code, error.detail, error.headers)


def sentence(status: int, text: str, headers: object = None) -> Response:
    return JSONResponse({"error": text}, status, headers if isinstance(headers, dict) else None)
