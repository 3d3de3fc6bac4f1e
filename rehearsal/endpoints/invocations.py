"""One request to a variant, with what is measured and kept of it, and its copies to shadows.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-shadow-deployment.html
"""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable

import httpx

from rehearsal.backends import Configuration, Variant
from rehearsal.endpoints.capture import Capture
from rehearsal.endpoints.metrics import EndpointMetrics, Source
from rehearsal.endpoints.pool import Servers
from rehearsal.endpoints.requests import Answer, Request, chosen
from rehearsal.errors import ApiError

_log = logging.getLogger(__name__)

# What the shadow has no time for is left out: production requests wait for nothing here.
_WAITING = 32
_AT_ONCE = 4


class Shadow:
    """Gives copies of requests to a shadow variant, from threads of its own.

    Attributes:
        share: of the requests that are copied, 0 to 1.
        ask: asks the shadow's server and tells the metrics and the capture of it.
    """

    def __init__(self, name: str, share: float, ask: Callable[[Request], object]):
        self._name = name
        self._share = share
        self._ask = ask
        self._copies: queue.Queue[Request | None] = queue.Queue(_WAITING)
        self._threads = [
            threading.Thread(target=self._work, name=f"shadow {name}", daemon=True)
            for _ in range(_AT_ONCE)
        ]
        for thread in self._threads:
            thread.start()

    def offer(self, request: Request) -> None:
        """Copies the request, if chance picks it; returns at once."""
        if chosen(self._share):
            with contextlib.suppress(queue.Full):
                self._copies.put_nowait(request)

    def close(self) -> None:
        """Ends once the shadow's servers have; what waits is left out."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._copies.get_nowait()
        for _ in self._threads:
            self._copies.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (request := self._copies.get()) is not None:
            try:
                self._ask(request)
            except Exception as error:  # noqa: BLE001 - nobody waits for a shadow's answer
                _log.info("The shadow variant %s gave no answer: %s", self._name, error)


class Invocations:
    """Asks a variant's servers, for the metrics and the captured data, too.

    Attributes:
        capture: None, nothing is captured.
    """

    def __init__(
        self,
        endpoint: str,
        configuration: Configuration,
        metrics: EndpointMetrics,
        capture: Capture | None,
    ):
        self._endpoint = endpoint
        self._configuration = configuration
        self._metrics = metrics
        self._capture = capture

    def source(self, variant: Variant) -> Source:
        """Where the values of a variant's metrics are from."""
        config = self._configuration
        return Source(self._endpoint, variant.name, config.name, config.asynchronous)

    def ask(self, variant: Variant, servers: Servers, request: Request) -> Answer:
        """The container's own answer, whatever its status.

        Raises:
            ApiError: there is none.
        """
        sampled = self._capture is not None and self._capture.sampled()
        began = time.monotonic()
        try:
            answer = servers.ask(request)
        except httpx.HTTPError as error:
            self._count(variant, servers, request, time.monotonic() - began)
            raise _model_error(variant.name, error) from error
        except ApiError as error:
            if error.code != "ThrottlingException":  # The variant got no request then.
                self._count(variant, servers, request, None)
            raise
        self._count(variant, servers, request, answer.seconds, answer.status)
        if sampled and self._capture and httpx.codes.is_success(answer.status):
            self._capture.record(variant, request, answer)
        return answer

    def close(self) -> None:
        """Writes what was captured."""
        if self._capture:
            self._capture.close()

    def _count(
        self,
        variant: Variant,
        servers: Servers,
        request: Request,
        model_seconds: float | None,
        status: int = 500,
    ) -> None:
        self._metrics.invocation(
            self.source(variant),
            status,
            model=model_seconds,
            total=time.monotonic() - request.began,
            instances=servers.instance_count,
        )


def _model_error(variant: str, error: httpx.HTTPError) -> ApiError:
    if isinstance(error, httpx.TimeoutException):
        what = f"Your invocation timed out while waiting for a response from container {variant}"
    else:
        what = f"the container {variant} gave no answer: {error}"
    return ApiError(
        "ModelError",
        f'Received server error (0) from primary with message "{what}". See the endpoint\'s logs '
        f"in CloudWatch.",
        424,
    )
