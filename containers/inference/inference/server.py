"""Runs the routes in uvicorn while the model loads; ends on TERM or on an unusable model."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette

from inference.application import application
from inference.artifact import Artifact
from inference.predictor import Predictor

logger = logging.getLogger("inference")

# SageMaker sends KILL 30 s after TERM.
# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
SHUTDOWN_SECONDS = 25
# Longer than the caller's own, so that it is never the server that drops a connection just used.
KEEP_ALIVE_SECONDS = 75


def serve(artifact: Artifact, *, host: str, port: int, log_config: dict[str, Any]) -> int:
    """Serves until TERM; a port that is taken ends the process with a log line.

    Raises:
        UnusableModelError: the model does not load.
    """
    predictor = Predictor(artifact)
    failures: list[Exception] = []

    async def load() -> None:
        try:
            await predictor.load()
        except Exception as error:  # noqa: BLE001 - raised again by serve, when the server has ended
            failures.append(error)
            server.should_exit = True
        else:
            logger.info("ready", extra={"labels": len(artifact.labels), "port": port})

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        loading = asyncio.create_task(load())
        yield
        loading.cancel()
        predictor.close()

    server = uvicorn.Server(
        uvicorn.Config(
            application(predictor, lifespan),
            host=host,
            port=port,
            log_config=log_config,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
    )
    server.run()
    if failures:
        raise failures[0]
    return 0
