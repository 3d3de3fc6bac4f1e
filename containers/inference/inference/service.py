"""The model and all that answers with it: loads, proves itself, then lets requests in."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

from inference.batcher import Batcher
from inference.bodies import body_type, read_images
from inference.golden import GoldenRequest, check_golden, check_pictures, read_golden
from inference.logs import RequestLog
from inference.metrics import Metrics
from inference.model import Artifact, Model, Probabilities
from inference.request import Holding, Refusal
from inference.runtimes import check_answer, check_gpu, load_model
from inference.settings import MEGABYTE, Settings

logger = logging.getLogger("inference")


class Service:
    """Made before the event loop runs, on which `live` is called, and `ended` with what went wrong
    when the model cannot be served.
    """

    def __init__(
        self, artifact: Artifact, settings: Settings, ended: Callable[[Exception], None]
    ) -> None:
        self._artifact = artifact
        self._ended = ended
        self.settings = settings
        self.labels = artifact.labels
        self.holding = Holding(settings.held_megabytes * MEGABYTE)
        self.metrics = Metrics(settings.metrics_seconds, settings.model_package_arn)
        self._loaded: asyncio.Event
        self.batcher: Batcher
        self.log: RequestLog

    @property
    def ready(self) -> bool:
        """Whether the model has proved itself; for use once the service lives."""
        return self._loaded.is_set()

    async def live(self, receive: Any, send: Any) -> None:
        """ASGI's lifespan: loads beside the event loop, which answers /ping meanwhile.

        https://asgi.readthedocs.io/en/latest/specs/lifespan.html
        """
        await receive()
        self._loaded = asyncio.Event()
        self.log = RequestLog()
        self.batcher = Batcher(self.settings, self._artifact.image_size, self.metrics)
        tasks = [
            asyncio.create_task(each)
            for each in (self._load(), self._measure(), self.batcher.sweep())
        ]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in tasks:
            task.cancel()
        self.batcher.close()
        self.metrics.write()
        self.log.flush()
        await send({"type": "lifespan.shutdown.complete"})

    async def wait_until_ready(self, deadline: float) -> None:
        """Requests that come before the model wait for it until `deadline` of `time.monotonic`.

        Raises:
            Refusal: 503 where it is not there by then.
        """
        if self.ready:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline - time.monotonic()):
                await self._loaded.wait()
        if not self.ready:
            raise Refusal(503, "The model is still loading: ask again when /ping says 200.")

    async def _load(self) -> None:
        try:
            requests, pictures = read_golden(self._artifact.folder, self.labels)
            start = time.monotonic()
            model, batch_size = await asyncio.to_thread(self._start)
            await asyncio.to_thread(check_pictures, pictures, self.batcher.pixels)
            await check_golden(requests, self.labels, self._ask)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - raised again when the server has ended
            self._ended(error)
            return
        self._loaded.set()
        logger.info(
            "ready",
            extra={
                "runtime": model.runtime,
                "labels": len(self.labels),
                "threads": self.settings.threads,
                "batch_size": batch_size,
                "golden_requests": len(requests),
                "golden_pictures": len(pictures),
                "seconds": round(time.monotonic() - start, 2),
            },
        )

    def _start(self) -> tuple[Model, int]:
        settings, artifact = self.settings, self._artifact
        if settings.needs_gpu:
            check_gpu()
        model = load_model(artifact, settings.runtime, settings.threads)
        check_answer(model.session(), artifact)
        return model, self.batcher.start(model)

    async def _ask(self, request: GoldenRequest) -> Probabilities:
        """A golden request's answer, by the way of all requests."""
        images, _ = read_images(body_type(request.content_type), request.body, most=1)
        deadline = time.monotonic() + self.settings.request_seconds
        question = await self.batcher.ask(images, deadline)
        return question.rows()[0]

    async def _measure(self) -> None:
        while True:
            await asyncio.sleep(self.metrics.seconds)
            self.metrics.write()
